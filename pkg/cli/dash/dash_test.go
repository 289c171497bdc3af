package dash_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/dash"
	"github.com/shopctl/shopctl/pkg/tui"
	"github.com/shopctl/shopctl/pkg/tui/words"
)

func TestTheDashboardWantsATerminal(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitEnvironment, "dash")
	w.WantErr("it needs an interactive terminal", "shopctl: hint: shopctl ps --stats")
}

func TestThePaletteOffersWhatRunsAndTakesNoScreen(t *testing.T) {
	verbs := dash.TuiVerbs(cli.NewRoot(clitest.NewWorld(t).F))
	var names []string
	for _, v := range verbs {
		names = append(names, v.Name)
		if v.Short == "" {
			t.Errorf("%s lacks a description", v.Name)
		}
		if !words.In("ja").Has(v.Short) {
			t.Errorf("words.japaneseCommands does not say %q, the description of %s", v.Short, v.Name)
		}
	}
	for _, want := range []string{"call", "fault inject", "fault clear", "ps", "up", "down", "trace list", "trace show", "metrics query", "alerts list", "map", "top"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing in %v", want, names)
		}
	}
	for _, screen := range []string{"dash", "lesson", "service run", "daemon", "completion bash"} {
		if slices.Contains(names, screen) {
			t.Errorf("%s is offered", screen)
		}
	}
	i := slices.IndexFunc(verbs, func(v tui.Verb) bool { return v.Name == "call" })
	if got, want := verbs[i].Args, "SERVICE [METHOD] [JSON]"; !strings.HasPrefix(got, want) {
		t.Errorf("arguments of call are %q, want %q", got, want)
	}
}
