package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

type replayOptions struct {
	options
	from  int64
	since string
}

type replayView struct {
	Consumer string `json:"consumer"`
	From     uint64 `json:"from"`
}

func (v replayView) Names() []string { return []string{v.Consumer} }

func newReplayCmd(f *cmdutil.Factory) *cobra.Command {
	o := &replayOptions{options: newOptions(f)}
	cmd := &cobra.Command{
		Use:   "replay CONSUMER",
		Short: "Deliver past events to a consumer again",
		Long: `Deliver past events to a consumer again: all that are kept, or from a sequence or a time on. A consumer that is
idempotent recognizes those that it has handled; one that has lost its data builds it again.`,
		Example: `shopctl bus replay warehouse
shopctl bus replay warehouse --since 10m`,
		Args:              cmdutil.Exactly(1, "a consumer"),
		ValidArgsFunction: complete(f, 1, consumerNames),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	cmd.Flags().Int64Var(&o.from, "from", 1, "begin with the event at this `SEQ` of the bus, as bus tail shows it")
	cmdutil.LimitNumber(cmd, "from", 1, 1<<53, "shopctl bus replay warehouse --from 120")
	cmd.Flags().StringVar(&o.since, "since", "", "begin with a `TIME` or so long ago: 2026-07-01T12:00:00Z, 10m")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *replayOptions) run(ctx context.Context, consumer string) error {
	if o.from > 1 && o.since != "" {
		return o.usage("bus replay "+consumer+" --since 10m", errors.New("--from and --since say the same"))
	}
	var at time.Time
	if o.since != "" {
		var err error
		if at, err = cmdutil.ParseTime(o.now(), "since", o.since); err != nil {
			return err
		}
	}
	return o.with(ctx, func(ctx context.Context, b *bus.Bus) error {
		from := uint64(o.from)
		if !at.IsZero() {
			var err error
			if from, err = b.FirstSince(ctx, at); err != nil {
				return err
			}
		}
		if err := b.Replay(ctx, consumer, from); err != nil {
			return err
		}
		return o.ios.Print(o.format, replayView{Consumer: consumer, From: from}, func(w io.Writer) {
			fmt.Fprintf(w, "%s gets events again from %d on\n", iostreams.OneLine(consumer), from)
		})
	})
}
