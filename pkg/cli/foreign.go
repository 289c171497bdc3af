package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/lesson/command"
)

// checkForeign returns an error for a command line that a lesson by another author cannot run. It reads the flags as the
// command does; the daemon limits what the command then does.
func checkForeign(f *cmdutil.Factory, cmd *cobra.Command, args []string) error {
	if !f.Foreign() {
		return nil
	}
	path := strings.Fields(cmd.CommandPath())
	if len(path) < 2 || !command.ForeignVerb(path[1]) {
		return cmdutil.ForeignErr("%s", cmd.CommandPath())
	}
	if slices.Equal(path[1:], []string{"trace", "open"}) && len(args) > 0 && args[0] != "-" {
		if err := f.CheckFile(args[0]); err != nil {
			return err
		}
	}
	var err error
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if err == nil {
			err = checkForeignFlag(f, flag)
		}
	})
	return err
}

// checkForeignFlag refuses flags that lead out of the lesson's shop, its namespace or its files.
func checkForeignFlag(f *cmdutil.Factory, flag *pflag.Flag) error {
	if flag.Name == "name" || flag.Name == "namespace" {
		return cmdutil.ForeignErr("--%s: it stays in its own shop and namespace", flag.Name)
	}
	_, isFile := flag.Annotations[cobra.BashCompFilenameExt]
	_, isDir := flag.Annotations[cobra.BashCompSubdirsInDir]
	if !isFile && !isDir {
		return nil
	}
	paths := []string{flag.Value.String()}
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		paths = list.GetSlice()
	}
	for _, path := range paths {
		if path == "-" || path == "" {
			continue
		}
		if err := f.CheckFile(path); err != nil {
			return err
		}
	}
	return nil
}
