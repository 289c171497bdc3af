package objects

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/files"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/render"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type diffOptions struct {
	ios       *iostreams.IO
	connect   files.ConnectFor
	namespace func() string
	files     files.Flags
}

func NewDiffCmd(f *cmdutil.Factory) *cobra.Command {
	o := &diffOptions{ios: f.IO, connect: f.ConnectFor, namespace: f.Namespace}
	cmd := &cobra.Command{
		Use:   "diff -f FILE",
		Short: "Show what apply would change",
		Long: `Show what apply would change as a unified diff. Like kubectl diff, it exits with 0 if nothing would change and with 1
if something would.`,
		Example: "shopctl diff -f catalog.yaml",
		Args:    cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.files.Limit(cmd)
			return o.run(cmd.Context())
		},
	}
	o.files.Add(cmd, f)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *diffOptions) run(ctx context.Context) error {
	if len(o.files.Paths) == 0 {
		return cmdutil.UsageErr("shopctl diff -f FILE", "missing flag: -f with a file, a directory or -")
	}
	files, err := o.files.Read(o.ios.In)
	if err != nil {
		return err
	}
	shop, done, err := o.connect(ctx, o.files.Opened)
	if err != nil {
		return err
	}
	defer done()
	resp, err := shop.Apply(ctx, &controlpb.ApplyRequest{Files: files, DryRun: true, Namespace: o.namespace()})
	if err != nil {
		return err
	}
	for _, w := range resp.GetWarnings() {
		o.ios.PrintLines("warning", w)
	}
	changed := false
	for _, a := range resp.GetObjects() {
		text, err := objectDiff(a)
		if err != nil {
			return err
		}
		changed = changed || text != ""
		if _, err := o.ios.Out.Write([]byte(paintDiff(o.ios, text))); err != nil {
			return err
		}
	}
	if changed {
		return cmdutil.ExitErr(cmdutil.ExitFailed)
	}
	return nil
}

// objectDiff is the unified diff of one object's manifest, "" if it is unchanged.
func objectDiff(a *controlpb.AppliedObject) (string, error) {
	after, err := edit.TypedObject(a.GetObject())
	if err != nil {
		return "", err
	}
	var before resource.Object
	if len(a.GetBeforeJson()) > 0 {
		before, err = edit.TypedObject(&controlpb.Object{Kind: a.GetObject().GetKind(), Json: a.GetBeforeJson()})
		if err != nil {
			return "", err
		}
	}
	return render.Diff(before, after)
}

func paintDiff(ios *iostreams.IO, text string) string {
	if !ios.Color {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		content := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "+"):
			content = ios.Paint(iostreams.ToneGood, content)
		case strings.HasPrefix(line, "-"):
			content = ios.Paint(iostreams.ToneBad, content)
		case strings.HasPrefix(line, "@@"):
			content = ios.Paint(iostreams.ToneInfo, content)
		}
		b.WriteString(content + "\n")
	}
	return b.String()
}
