package observe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestALogNeverGrowsBeyondTwiceItsCap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	r, err := openRotating(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	line := []byte(strings.Repeat("x", 29) + "\n")
	for range 50 {
		if _, err := r.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + rotatedSuffix} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() == 0 || info.Size() > 100 {
			t.Errorf("%s has %d bytes, want 1 to 100", filepath.Base(p), info.Size())
		}
	}
}
