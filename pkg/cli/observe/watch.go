package observe

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

// watchOptions are shared by map and top: both print the current state, once or repeatedly.
type watchOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time
	getenv  func(string) string
	format  string
	watch   bool
	every   time.Duration
}

// frame is the state at one moment: as a value, and as text.
type frame struct {
	value any
	text  func(io.Writer)
}

// add adds the flags to cmd.
func (o *watchOptions) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVarP(&o.watch, "watch", "w", false, "refresh until interrupted; with -o json, one line per refresh")
	flags.DurationVar(&o.every, "every", 2*time.Second, "time between refreshes with --watch, at least 1s")
	cmdutil.LimitTime(cmd, "every", time.Second, "2s")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("every", cobra.NoFileCompletions))
}

func (o *watchOptions) check() error {
	if o.watch && (o.format == iostreams.FormatYAML || o.format == iostreams.FormatName) {
		return cmdutil.UsageErr("-o json --watch", "read --watch: -o %s cannot be refreshed", o.format)
	}
	return nil
}

// repeat prints the frames that next returns. Without --watch it prints one, and then calls done.
func (o *watchOptions) repeat(ctx context.Context, next func() (frame, error), done func(value any)) error {
	if !o.watch {
		one, err := next()
		if err != nil {
			return err
		}
		if err := o.ios.Print(o.format, one.value, one.text); err != nil {
			return err
		}
		if !iostreams.Structured(o.format) {
			done(one.value)
		}
		return nil
	}
	for first := true; ; first = false {
		one, err := next()
		if err != nil {
			return err
		}
		if err := o.print(one, first); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(o.every):
		}
	}
}

// print shows a frame: on a capable terminal it replaces the previous one, elsewhere it follows it.
func (o *watchOptions) print(one frame, first bool) error {
	if o.format == iostreams.FormatJSON {
		return o.ios.PrintLine(one.value)
	}
	var text strings.Builder
	one.text(&text)
	live := o.ios.OutTTY && !o.ios.Accessible && o.getenv("TERM") != "dumb"
	var out strings.Builder
	switch {
	case live:
		out.WriteString(o.ios.Out.Sequence(ansi.CursorHomePosition))
		lines := strings.Split(strings.TrimSuffix(o.ios.Out.Escape(text.String()), "\n"), "\n")
		if o.ios.Height > 1 && len(lines) >= o.ios.Height {
			lines = lines[:o.ios.Height-1]
		}
		for _, line := range lines {
			if o.ios.Width > 0 {
				line = cells.Truncate(line, o.ios.Width, "")
			}
			out.WriteString(line + o.ios.Out.Sequence(ansi.EraseLineRight) + "\n")
		}
		out.WriteString(o.ios.Out.Sequence(ansi.EraseScreenBelow))
	case first:
		out.WriteString(text.String())
	default:
		fmt.Fprintf(&out, "\n%s\n%s", o.now().Local().Format(time.TimeOnly), text.String())
	}
	_, err := io.WriteString(o.ios.Out, out.String())
	return err
}
