package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

// maxLetters is how many dead letters a command looks at.
const maxLetters = 1000

type letterView struct {
	ID       uint64           `json:"id"`
	Consumer string           `json:"consumer"`
	Attempts uint64           `json:"attempts"`
	Reason   string           `json:"reason"`
	Time     string           `json:"time"`
	Seq      uint64           `json:"seq"`
	Event    *shopevent.Event `json:"event"`
}

type lettersView struct {
	Letters []letterView `json:"dead_letters"`
}

func (v lettersView) Names() []string {
	names := make([]string, len(v.Letters))
	for i, l := range v.Letters {
		names[i] = strconv.FormatUint(l.ID, 10)
	}
	return names
}

func newDeadLettersCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "dead-letters",
		Short: "List events that a consumer gave up, send them again, or discard them",
		Long: `List events that a consumer gave up, send them again to that consumer alone (redrive), or discard them.

A consumer gives an event up when it has failed five times, or at once if it cannot be read. Those behind it go on.`,
	}, newLettersListCmd(f),
		newSettleCmd(f, &cobra.Command{
			Use:     "redrive ID...",
			Short:   "Send dead letters to their consumer again",
			Long:    "Send dead letters to their consumer again, and to no other. What fails again is a dead letter again.",
			Example: "shopctl bus dead-letters redrive 3\nshopctl bus dead-letters redrive --all",
		}, "sent again", func(ctx context.Context, b *bus.Bus, l bus.DeadLetter) error { return b.Redrive(ctx, l) }),
		newSettleCmd(f, &cobra.Command{
			Use:     "discard ID...",
			Short:   "Remove dead letters",
			Long:    "Remove dead letters. Their events stay on the bus, and are not delivered to that consumer any more.",
			Example: "shopctl bus dead-letters discard 3",
		}, "discarded", func(ctx context.Context, b *bus.Bus, l bus.DeadLetter) error { return b.Discard(ctx, l.Seq) }))
}

func newLettersListCmd(f *cmdutil.Factory) *cobra.Command {
	o := newOptions(f)
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List events that a consumer gave up, with its last error",
		Example: "shopctl bus dead-letters list -o json",
		Args:    cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd.Context(), func(ctx context.Context, b *bus.Bus) error {
				letters, err := b.DeadLetters(ctx, maxLetters)
				if err != nil {
					return err
				}
				return o.printLetters(letters)
			})
		},
	}
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *options) printLetters(letters []bus.DeadLetter) error {
	view := lettersView{Letters: []letterView{}}
	for _, l := range letters {
		one := letterView{ID: l.Seq, Consumer: l.Consumer, Attempts: l.Attempts, Reason: l.Reason, Time: stamp(l.Time), Seq: l.MessageSeq}
		if e, err := shopevent.Decode(l.Message); err == nil {
			one.Event = &e
		}
		view.Letters = append(view.Letters, one)
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		table := iostreams.NewTable("ID", "CONSUMER", "TYPE", "ORDER", "TRIES", "AGE", "REASON")
		for i, l := range view.Letters {
			kind, order := "?", "?"
			if l.Event != nil {
				kind, order = l.Event.Type, l.Event.Subject
			}
			reason := l.Reason
			if reason == "" {
				reason = "its process ended each time"
			}
			table.Row(fmt.Sprint(l.ID), iostreams.OneLine(l.Consumer), iostreams.OneLine(kind), iostreams.OneLine(order), fmt.Sprint(l.Attempts), ago(o.now(), letters[i].Time), iostreams.OneLine(reason))
		}
		table.Write(w)
	})
}

type settleOptions struct {
	options
	all    bool
	done   string
	settle func(ctx context.Context, b *bus.Bus, l bus.DeadLetter) error
}

func newSettleCmd(f *cmdutil.Factory, cmd *cobra.Command, done string, settle func(ctx context.Context, b *bus.Bus, l bus.DeadLetter) error) *cobra.Command {
	o := &settleOptions{options: newOptions(f), done: done, settle: settle}
	cmd.Args = cobra.ArbitraryArgs
	cmd.ValidArgsFunction = complete(f, maxLetters, func(ctx context.Context, b *bus.Bus) ([]string, error) {
		letters, err := b.DeadLetters(ctx, 100)
		words := make([]string, len(letters))
		for i, l := range letters {
			words[i] = cobra.CompletionWithDesc(strconv.FormatUint(l.Seq, 10), iostreams.OneLine(l.Consumer+": "+l.Reason))
		}
		return words, err
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), cmd.Name(), args) }
	cmd.Flags().BoolVar(&o.all, "all", false, "all of them")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *settleOptions) run(ctx context.Context, verb string, args []string) error {
	var ids []uint64
	for _, arg := range args {
		id, err := strconv.ParseUint(arg, 10, 64)
		if err != nil {
			return o.usage("bus dead-letters list", fmt.Errorf("read %q: the id of a dead letter is a number", arg))
		}
		ids = append(ids, id)
	}
	if o.all == (len(ids) > 0) {
		return o.usage("bus dead-letters "+verb+" --all", errors.New("name dead letters, or --all"))
	}
	return o.with(ctx, func(ctx context.Context, b *bus.Bus) error {
		letters, err := b.DeadLetters(ctx, maxLetters)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if !slices.ContainsFunc(letters, func(l bus.DeadLetter) bool { return l.Seq == id }) {
				return fmt.Errorf("dead letter %d: %w", id, bus.ErrNoDeadLetter)
			}
		}
		letters = slices.DeleteFunc(letters, func(l bus.DeadLetter) bool { return !o.all && !slices.Contains(ids, l.Seq) })
		for i, l := range letters {
			if err := o.settle(ctx, b, l); err != nil {
				return fmt.Errorf("%d of %d %s: %w", i, len(letters), o.done, err)
			}
		}
		if o.format != iostreams.FormatTable {
			return o.printLetters(letters)
		}
		_, err = fmt.Fprintf(o.ios.Out, "%d %s\n", len(letters), o.done)
		return err
	})
}
