package cmdutil

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// ExitsKey annotates a command with the exit codes that it can end with.
const ExitsKey = "exits"

// Exits records the exit codes of cmd for its help.
func Exits(cmd *cobra.Command, codes ...int) *cobra.Command {
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = fmt.Sprint(c)
	}
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[ExitsKey] = strings.Join(words, " ")
	return cmd
}
