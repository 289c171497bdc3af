package shop

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// Verdicts of a check of the doctor.
const (
	verdictOK   = "ok"
	verdictInfo = "info"
	verdictWarn = "warn"
	verdictFail = "fail"
)

// finding is the result of one check of the doctor.
type finding struct {
	Check   string `json:"check"`
	Verdict string `json:"verdict"`
	Found   string `json:"found"`
	// Hint is the suggested remedy.
	Hint string `json:"hint"`
	// Fixed reports whether --fix has repaired it.
	Fixed bool `json:"fixed"`
}

type doctorView struct {
	Healthy bool      `json:"healthy"`
	Checks  []finding `json:"checks"`
}

func (v doctorView) Names() []string {
	var names []string
	for _, c := range v.Checks {
		if c.Verdict == verdictFail {
			names = append(names, c.Check)
		}
	}
	return names
}

type doctorOptions struct {
	ios        *iostreams.IO
	dir        func() (rundir.Dir, error)
	getenv     func(string) string
	executable string
	format     string
	fix        bool
}

func NewDoctorCmd(f *cmdutil.Factory) *cobra.Command {
	o := &doctorOptions{ios: f.IO, dir: f.Dir, getenv: f.Getenv, executable: f.Executable}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check that this machine can run the shop",
		Long: `Check that this machine can run the shop: writable directories, disk space, the storefront's port, and no leftovers of a
crashed daemon. --fix removes stale run directories and stops the processes recorded in them, and no others.`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().BoolVar(&o.fix, "fix", false, "clean up leftovers of crashed daemons")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitEnvironment)
}

func (o *doctorOptions) run(ctx context.Context) error {
	dir, err := o.dir()
	if err != nil {
		return err
	}
	view := doctorView{Healthy: true, Checks: o.checks(ctx, dir)}
	for _, c := range view.Checks {
		view.Healthy = view.Healthy && (c.Verdict != verdictFail || c.Fixed)
	}
	if err := o.ios.Print(o.format, view, func(w io.Writer) { o.table(w, view) }); err != nil {
		return err
	}
	if !view.Healthy {
		return cmdutil.ExitErr(cmdutil.ExitEnvironment)
	}
	return nil
}

func (o *doctorOptions) checks(ctx context.Context, dir rundir.Dir) []finding {
	found := []finding{
		checkBinary(o.executable),
		checkDirectory("run directory", dir.Run, dir.VerifyRun),
		checkDirectory("state directory", dir.State, dir.VerifyState),
		checkDisk(dir.State),
		checkPort(ctx, o.ios, dir),
		checkRedis(o.getenv),
		checkCrash(dir),
		checkShop(ctx, o.ios, dir),
		checkTerminal(o.ios, o.getenv),
	}
	return append(found, o.leftovers(ctx)...)
}

func (o *doctorOptions) table(w io.Writer, view doctorView) {
	tones := map[string]iostreams.Tone{verdictOK: iostreams.ToneGood, verdictInfo: iostreams.ToneFaint, verdictWarn: iostreams.ToneWarn, verdictFail: iostreams.ToneBad}
	t := iostreams.NewTable("CHECK", "VERDICT", "FOUND")
	for _, c := range view.Checks {
		verdict := c.Verdict
		if c.Fixed {
			verdict = "fixed"
		}
		t.Row(c.Check, o.ios.Paint(tones[c.Verdict], verdict), c.Found)
	}
	t.Write(w)
	for _, c := range view.Checks {
		if c.Hint != "" && !c.Fixed {
			fmt.Fprintf(w, "\n%s: %s\n", c.Check, c.Hint)
		}
	}
}
