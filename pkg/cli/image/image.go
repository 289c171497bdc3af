// Package image implements the commands that make the container image of this binary.
package image

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// NewCmd returns the group of commands. version is that of this binary.
func NewCmd(f *cmdutil.Factory, version string) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "image",
		Short: "Build the container image of the shop from this binary",
	}, newBuildCmd(f, version))
}
