package shell_test

import (
	"slices"
	"testing"

	"github.com/shopctl/shopctl/pkg/tui/shell"
)

func words() shell.Words {
	return shell.Words{
		Verbs:    []shell.Verb{{Name: "call", Args: "SERVICE [METHOD] [JSON]"}, {Name: "fault inject", Args: "SERVICE"}, {Name: "ps", Args: "[SERVICE...]"}, {Name: "up"}},
		Services: []string{"ad", "cart", "currency"},
		Methods: func(service string) []string {
			if service != "currency" {
				return nil
			}
			return []string{"Convert", "GetSupportedCurrencies"}
		},
	}
}

func TestALineIsCompletedWithVerbsServicesAndMethods(t *testing.T) {
	for line, want := range map[string][]string{
		"":                         {"call ", "fault inject ", "ps ", "up "},
		"shopctl":                  {"call ", "fault inject ", "ps ", "up "},
		"shopctl fa":               {"fault inject "},
		"call c":                   {"call cart ", "call currency ", "call c"},
		"shopctl call currency ":   {"call currency ", "call currency Convert ", "call currency GetSupportedCurrencies "},
		"call currency con":        {"call currency Convert ", "call currency con"},
		"call currency Convert ":   {"call currency Convert "},
		"call currency Convert {c": {"call currency Convert {c"},
		"call ad ":                 {"call ad "},
		"ps ca":                    {"ps cart ", "ps ca"},
		"unknown":                  nil,
	} {
		var got []string
		for _, c := range words().Complete(line) {
			got = append(got, c.Fill)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is completed with %q, want %q", line, got, want)
		}
	}
}

func TestTheHistoryIsBrowsedFromTheNewestLine(t *testing.T) {
	var h shell.History
	for _, line := range []string{"ps", "up", "ps", ""} {
		h.Add(line)
	}
	for _, step := range []struct {
		by   int
		line string
		ok   bool
	}{{1, "ps", true}, {1, "up", true}, {1, "", false}, {-1, "ps", true}, {-1, "", true}, {-1, "", false}} {
		if line, ok := h.Move(step.by); line != step.line || ok != step.ok {
			t.Errorf("moving by %d leads to %q, %v, want %q, %v", step.by, line, ok, step.line, step.ok)
		}
	}
}
