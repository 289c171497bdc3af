package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"
)

func TestTheDescriptionsAreThoseOfTheModules(t *testing.T) {
	t.Chdir("../..")
	want, err := document()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(output)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if have, err := io.ReadAll(r); err != nil || !bytes.Equal(have, want) {
		t.Errorf("%s is stale: make explain (%v)", output, err)
	}
}
