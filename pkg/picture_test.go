package pkg_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestThePicturesOfTheDashHaveItsTabsAndKeys compares the README's pictures with the screens that the terminal UI's own tests
// hold: the titles of the panes, and the line of keys.
func TestThePicturesOfTheDashHaveItsTabsAndKeys(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	// The id of a trace differs.
	id := regexp.MustCompile(`\b[0-9a-f]{8}\b`)
	lines := strings.Split(id.ReplaceAllString(string(readme), "ID"), "\n")
	for _, name := range []string{"map", "trace"} {
		golden, err := os.ReadFile("tui/testdata/" + name + ".golden")
		if err != nil {
			t.Fatal(err)
		}
		_, screen, ok := strings.Cut(id.ReplaceAllString(string(golden), "ID"), "-- 120x40 plain --\n")
		screen, _, end := strings.Cut(screen, "\n-- ")
		if !ok || !end {
			t.Fatalf("%s.golden has no screen of 120x40", name)
		}
		compared := 0
		for line := range strings.Lines(screen) {
			line = strings.TrimSuffix(line, "\n")
			if !strings.Contains(line, "9 Alerts") && !strings.HasSuffix(line, "? help") {
				continue
			}
			if compared++; !slices.Contains(lines, line) {
				t.Errorf("the README's picture lacks a line of the %s:\n%s", name, line)
			}
		}
		if compared != 2 {
			t.Errorf("%s.golden has %d lines of titles and keys", name, compared)
		}
	}
}
