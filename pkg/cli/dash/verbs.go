package dash

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/tui"
)

// tuiVerbs lists the commands for the palette: all runnable commands except those that use the whole screen.
func tuiVerbs(root *cobra.Command) []tui.Verb {
	screens := []string{"dash", "lesson", "review", "completion", "help"}
	var verbs []tui.Verb
	var walk func(cmd *cobra.Command, path string)
	walk = func(cmd *cobra.Command, path string) {
		for _, c := range cmd.Commands() {
			if !c.IsAvailableCommand() || path == "" && slices.Contains(screens, c.Name()) {
				continue
			}
			name := strings.TrimSpace(path + " " + c.Name())
			walk(c, name)
			if !cmdutil.Acts(c) {
				continue
			}
			_, args, _ := strings.Cut(c.Use, " ")
			verbs = append(verbs, tui.Verb{Name: name, Args: args, Short: c.Short})
		}
	}
	walk(root, "")
	// What a screen does in its own way, or without a screen.
	return append(verbs,
		tui.Verb{Name: "help", Args: "[COMMAND]", Short: "List all keys, or describe a command"},
		tui.Verb{Name: "lesson list", Short: "List the lessons, with your progress"})
}
