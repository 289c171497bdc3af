package cli

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/config"
)

// configure sets every flag that is not on the command line from the environment, else from the file. It runs before
// each command.
func configure(f *cmdutil.Factory, cmd *cobra.Command) error {
	if ignoresConfig(cmd) {
		return nil
	}
	file, err := config.Read(f.Getenv)
	if err != nil {
		return err
	}
	for _, s := range config.Settings() {
		flag := cmd.Flags().Lookup(s.Flag)
		if flag == nil || flag.Changed {
			continue
		}
		if value := f.Getenv(s.Env); value != "" {
			if err := flag.Value.Set(value); err != nil {
				return cmdutil.UsageErr("unset "+s.Env, "read %s=%q: %s", s.Env, value, refusal(flag, err))
			}
		} else if v, ok := file.Values[s.Key]; ok {
			if err := flag.Value.Set(v.Text); err != nil {
				return cmdutil.UsageErr("correct the file, or set --"+s.Flag, "%s: %s: %q: %s", v.Position, s.Key, v.Text, refusal(flag, err))
			}
		}
	}
	if cmd.Name() == "up" {
		return askTrust(f, file)
	}
	return nil
}

// askTrust asks on a terminal whether the configuration of a directory may do what it does; elsewhere it is an error
// unless the user has allowed it.
func askTrust(f *cmdutil.Factory, file config.File) error {
	trust, err := config.TrustOf(f)
	if err != nil {
		return err
	}
	err = trust.Check(file)
	var untrusted *config.UntrustedError
	if !errors.As(err, &untrusted) {
		return err
	}
	if !f.IO.InTTY || !f.IO.ErrTTY {
		return cmdutil.HintErr(cmdutil.ExitUsage, untrusted.Hint(), fmt.Errorf("%w:\n%s", untrusted, strings.Join(file.Effects(), "\n")))
	}
	fmt.Fprintf(f.IO.Err, "%s of this directory:\n", file.Path)
	for _, effect := range file.Effects() {
		fmt.Fprintf(f.IO.Err, "  %s\n", effect)
	}
	fmt.Fprint(f.IO.Err, "Allow this? [y/N] ")
	answer, err := bufio.NewReader(f.IO.In).ReadString('\n')
	if err != nil || !slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer))) {
		return cmdutil.HintErr(cmdutil.ExitUsage, untrusted.Hint(), untrusted)
	}
	return trust.Allow(file)
}

// refusal is why a flag cannot take a value.
func refusal(flag *pflag.Flag, err error) string {
	if want := wanted(flag.Value.Type()); want != "" && !strings.HasPrefix(err.Error(), "want ") {
		return "want " + want
	}
	return err.Error()
}

// ignoresConfig reports whether a command works regardless of the configuration.
func ignoresConfig(cmd *cobra.Command) bool {
	switch cmd.Name() {
	case "version", "completion", "help", "daemon":
		return true
	}
	return false
}

// takesColor reports whether standard output gets colors, by the value of --color.
func takesColor(f *cmdutil.Factory, when string) bool {
	switch when {
	case "always":
		return true
	case "never":
		return false
	default:
		return f.IO.OutTTY && f.Getenv("NO_COLOR") == "" && f.Getenv("TERM") != "dumb"
	}
}
