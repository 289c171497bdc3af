package dash

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/tui"
)

// tuiVerbs lists the commands for the palette: all runnable commands except those that use the whole screen.
func tuiVerbs(root *cobra.Command) []tui.Verb {
	screens := []string{"dash", "lesson", "completion", "help"}
	var verbs []tui.Verb
	var walk func(cmd *cobra.Command, path string)
	walk = func(cmd *cobra.Command, path string) {
		for _, c := range cmd.Commands() {
			if !c.IsAvailableCommand() || path == "" && slices.Contains(screens, c.Name()) {
				continue
			}
			name := strings.TrimSpace(path + " " + c.Name())
			if c.HasAvailableSubCommands() {
				walk(c, name)
				continue
			}
			_, args, _ := strings.Cut(c.Use, " ")
			verbs = append(verbs, tui.Verb{Name: name, Args: args, Short: c.Short})
		}
	}
	walk(root, "")
	return verbs
}
