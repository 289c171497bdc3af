package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestCommandsThatPrintUntilInterruptedEndWithTheirReader(t *testing.T) {
	const says = "until interrupted"
	seen := map[string]bool{}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if !strings.Contains(flag.Usage, says) {
				return
			}
			seen[cmd.CommandPath()+" --"+flag.Name] = true
			if follows(cmd) {
				t.Errorf("%s without --%s ends by itself", cmd.CommandPath(), flag.Name)
			}
			if err := flag.Value.Set("true"); err != nil || !follows(cmd) {
				t.Errorf("%s --%s does not end with the reader of its output (%v)", cmd.CommandPath(), flag.Name, err)
			}
		})
		if strings.Contains(cmd.Short+cmd.Long, says) && !follows(cmd) {
			t.Errorf("%s does not end with the reader of its output", cmd.CommandPath())
		}
	}
	walk(Tree())
	if len(seen) < 5 {
		t.Errorf("only %v say that they go on %s", seen, says)
	}
}
