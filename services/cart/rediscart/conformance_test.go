package rediscart_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

// The scripts in testdata/conformance say what Redis answers. A line is a comment (#), a command
// ("> HSET h f v", "B> ..." on a second connection) or the reply to it. Words may be quoted as in Go.
// A reply that begins with ~ is an array whose order is open; one that ends with ... is a prefix.
func TestConformance(t *testing.T) {
	scripts, err := filepath.Glob("testdata/conformance/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		addr := rediscarttest.Start(t, engine, t.TempDir()).Addr
		for _, script := range scripts {
			t.Run(strings.TrimSuffix(filepath.Base(script), ".txt"), func(t *testing.T) {
				rediscarttest.Connect(t, addr).Do("FLUSHALL")
				runScript(t, script, addr)
			})
		}
	})
}

func runScript(t *testing.T, path, addr string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	clients := map[string]*rediscarttest.Client{}
	got, where, pending := "", "", false
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		name, command, isCommand := strings.Cut(line, "> ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case isCommand && len(name) <= 1:
			if clients[name] == nil {
				clients[name] = rediscarttest.Connect(t, addr)
			}
			where = fmt.Sprintf("%s:%d: %s", filepath.Base(path), n, line)
			got, pending = clients[name].Do(split(t, command)...), true
		case !pending:
			t.Fatalf("%s:%d: a reply without a command", path, n)
		default:
			if !sameReply(got, line) {
				t.Errorf("%s\n got %s\nwant %s", where, got, line)
			}
			pending = false
		}
	}
	if err := lines.Err(); err != nil || pending {
		t.Fatalf("%s: %v, command without a reply: %v", path, err, pending)
	}
}

func sameReply(got, want string) bool {
	if prefix, ok := strings.CutSuffix(want, "..."); ok {
		return strings.HasPrefix(got, prefix)
	}
	if list, ok := strings.CutPrefix(want, "~"); ok {
		return slices.Equal(sortedElements(got), sortedElements(list))
	}
	return strings.TrimSpace(got) == want
}

func sortedElements(list string) []string {
	elements := strings.Split(strings.Trim(list, "[]"), ", ")
	slices.Sort(elements)
	return elements
}

// split splits a command into words.
func split(t *testing.T, command string) (words []string) {
	t.Helper()
	for command = strings.TrimSpace(command); command != ""; command = strings.TrimSpace(command) {
		if command[0] != '"' {
			word, rest, _ := strings.Cut(command, " ")
			words, command = append(words, word), rest
			continue
		}
		end := strings.Index(command[1:], `"`) + 2
		var word string
		if _, err := fmt.Sscanf(command[:end], "%q", &word); err != nil {
			t.Fatalf("read %s: %v", command, err)
		}
		words, command = append(words, word), command[end:]
	}
	return words
}
