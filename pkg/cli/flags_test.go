package cli_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli"
)

func TestFormerNamesOfFlagsWorkAndAreNotListed(t *testing.T) {
	for line, current := range map[string]string{
		"up --fresh":                      "reset",
		"lesson --fresh":                  "reset",
		"lesson --solve-to goal":          "from",
		"trace list --slower 1s":          "min-duration",
		"trace list --faster 1s":          "max-duration",
		"trace follow --slower 1s":        "min-duration",
		"trace show --faster 1s":          "max-duration",
		"fault inject cart --crash --one": "single",
	} {
		cmd, rest, err := cli.Tree().Find(strings.Fields(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if err := cmd.ParseFlags(rest); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if !cmd.Flags().Changed(current) {
			t.Errorf("%s does not set --%s", line, current)
		}
		if former := former(line); strings.Contains(usage(cmd), former+" ") {
			t.Errorf("%s lists %s", cmd.CommandPath(), former)
		}
	}
}

// former is the last flag of a line.
func former(line string) string {
	words := strings.Fields(line)
	for i := len(words) - 1; ; i-- {
		if strings.HasPrefix(words[i], "--") {
			return words[i]
		}
	}
}

func usage(cmd *cobra.Command) string { return cmd.LocalFlags().FlagUsages() }
