package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

type versionOutput struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	// Modified reports whether the sources differed from the revision.
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (v versionOutput) Names() []string { return []string{v.Version} }

func newVersionCmd(f *cmdutil.Factory) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cmdutil.Exactly(0, ""),
		RunE: func(*cobra.Command, []string) error {
			v := buildVersion()
			return f.IO.Print(format, v, func(w io.Writer) {
				fmt.Fprintf(w, "shopctl %s\n", v.Version)
				if v.Revision != "" {
					fmt.Fprintf(w, "revision %s\n", v.Revision)
				}
				fmt.Fprintf(w, "%s %s\n", v.Go, v.Platform)
			})
		},
	}
	cmdutil.AddOutput(cmd, &format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage)
}

// buildVersion reads the build information that the Go tool embeds in the binary.
func buildVersion() versionOutput {
	v := versionOutput{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
