package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/rundir"
)

func newCompletionCmd(f *cmdutil.Factory) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return cmdutil.Exits(&cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Print a completion script for a shell",
		Long:      "Print a completion script for a shell. It completes commands, flags, services, methods, objects, and the fields of a\ncall's message; names come from the running shop, or from the built-in services if the shop is down. In bash, it needs\nnothing but bash 4.4 or newer; elsewhere, a message is completed as far as the shell's own quoting allows.",
		Example:   "source <(shopctl completion bash)\nshopctl completion zsh > \"${fpath[1]}/_shopctl\"\nshopctl completion fish > ~/.config/fish/completions/shopctl.fish\nshopctl completion powershell | Out-String | Invoke-Expression",
		ValidArgs: shells,
		Args:      cmdutil.Exactly(1, "one of bash, zsh, fish, powershell"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				_, err := io.WriteString(f.IO.Out, bashScript)
				return err
			case "zsh":
				return root.GenZshCompletion(f.IO.Out)
			case "fish":
				return root.GenFishCompletion(f.IO.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(f.IO.Out)
			}
			return cmdutil.UnknownNameErr("shell", args[0], shells)
		},
	}, cmdutil.ExitOK, cmdutil.ExitUsage)
}

// completeShops completes the names of shops with a run directory.
func completeShops(f *cmdutil.Factory) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		dirs, err := rundir.List(f.Getenv)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		names := make([]string, len(dirs))
		for i, d := range dirs {
			names[i] = d.Name
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
