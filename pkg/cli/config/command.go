package config

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// NewCmd returns the commands about shopctl.yaml.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "config",
		Short: "Allow the shopctl.yaml of a directory to run programs",
	}, newTrustCmd(f))
}

func newTrustCmd(f *cmdutil.Factory) *cobra.Command {
	var revoke bool
	cmd := &cobra.Command{
		Use:   "trust",
		Short: "Allow the shopctl.yaml of the working directory, as it is now",
		Long: `Allow the shopctl.yaml of the working directory, as it is now, to run programs (images) and to send spans elsewhere
(otlpForward). Without this, "up" asks once on a terminal, and fails elsewhere. A file that changes is to be allowed
again. The programs of all files that are allowed can be used by every shop of yours, so that a service can be applied
from its own directory; where two name one image, the file of the directory where the shop was started comes first, and
then the one that was allowed last. Your own file, in the configuration directory or named by SHOPCTL_CONFIG, needs no
permission.`,
		Example: `shopctl config trust
shopctl config trust --revoke`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(*cobra.Command, []string) error { return runTrust(f, revoke) },
	}
	cmd.Flags().BoolVar(&revoke, "revoke", false, "forget that the file is allowed")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage)
}

func runTrust(f *cmdutil.Factory, revoke bool) error {
	file, err := Read(f.Getenv)
	if err != nil {
		return err
	}
	if !file.OfDirectory {
		return cmdutil.UsageErr("cd to the directory of the file", "there is no %s in the working directory that needs permission", configFile)
	}
	trust, err := TrustOf(f)
	if err != nil {
		return err
	}
	if revoke {
		if err := trust.Revoke(file); err != nil {
			return err
		}
		f.IO.Notef("%s is not allowed any more; a shop that runs keeps its instances until they are replaced", file.Path)
		return nil
	}
	effects := file.Effects()
	if len(effects) == 0 {
		f.IO.Notef("%s runs no programs and sends nothing elsewhere: it needs no permission", file.Path)
		return nil
	}
	if err := trust.Allow(file); err != nil {
		return err
	}
	f.IO.Notef("%s is allowed:", file.Path)
	for _, effect := range effects {
		f.IO.Notef("  %s", effect)
	}
	return nil
}

// TrustOf returns what the user allowed. It belongs to the user and not to one shop.
func TrustOf(f *cmdutil.Factory) (Trust, error) {
	dir, err := f.Dir()
	if err != nil {
		return Trust{}, fmt.Errorf("find what is allowed: %w", err)
	}
	return NewTrust(filepath.Dir(dir.State)), nil
}
