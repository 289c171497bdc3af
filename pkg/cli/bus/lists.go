package bus

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

type topicView struct {
	Type   string `json:"type"`
	Events uint64 `json:"events"`
	Last   string `json:"last"`
}

type topicsView struct {
	Topics []topicView `json:"topics"`
}

func (v topicsView) Names() []string {
	names := make([]string, len(v.Topics))
	for i, t := range v.Topics {
		names[i] = t.Type
	}
	return names
}

func newTopicsCmd(f *cmdutil.Factory) *cobra.Command {
	o := newOptions(f)
	cmd := &cobra.Command{
		Use:     "topics",
		Short:   "List the types of events, and how many are kept",
		Long:    "List the types of events, how many of each the bus keeps, and when the last one came.",
		Example: "shopctl bus topics\nshopctl bus topics -o json",
		Args:    cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd.Context(), o.topics)
		},
	}
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *options) topics(ctx context.Context, b *bus.Bus) error {
	topics, err := b.Topics(ctx)
	if err != nil {
		return err
	}
	view := topicsView{Topics: []topicView{}}
	for _, t := range topics {
		view.Topics = append(view.Topics, topicView{Type: t.Type, Events: t.Messages, Last: stamp(t.Last)})
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		table := iostreams.NewTable("TYPE", "EVENTS", "LAST")
		for _, t := range topics {
			table.Row(iostreams.OneLine(t.Type), fmt.Sprint(t.Messages), ago(o.now(), t.Last))
		}
		table.Write(w)
	})
}

type consumerView struct {
	Name        string   `json:"name"`
	Types       []string `json:"types"`
	Waiting     uint64   `json:"waiting"`
	Working     int      `json:"working"`
	Redelivered int      `json:"redelivered"`
	Through     uint64   `json:"answered_through"`
	Last        string   `json:"last_answered"`
	Listening   bool     `json:"listening"`
	DeadLetters uint64   `json:"dead_letters"`
}

type consumersView struct {
	Consumers []consumerView `json:"consumers"`
}

func (v consumersView) Names() []string {
	names := make([]string, len(v.Consumers))
	for i, c := range v.Consumers {
		names[i] = c.Name
	}
	return names
}

func newConsumersCmd(f *cmdutil.Factory) *cobra.Command {
	o := newOptions(f)
	cmd := &cobra.Command{
		Use:   "consumers",
		Short: "List who receives events, and how far behind each is",
		Long: `List who receives events, and how far behind each is. WAITING counts events that are still to be delivered; a
consumer of which no process listens catches up when it is back. DEAD counts those that it gave up.`,
		Example: "shopctl bus consumers",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.with(cmd.Context(), o.consumers) },
	}
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *options) consumers(ctx context.Context, b *bus.Bus) error {
	all, err := b.Consumers(ctx)
	if err != nil {
		return err
	}
	view := consumersView{Consumers: []consumerView{}}
	for _, c := range all {
		view.Consumers = append(view.Consumers, consumerView{
			Name: c.Name, Types: cmdutil.NotNil(c.Types), Waiting: c.Waiting, Working: c.Working, Redelivered: c.Again, Through: c.AnsweredThrough,
			Last: stamp(c.LastAnswered), Listening: listening(c), DeadLetters: c.DeadLetters,
		})
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		table := iostreams.NewTable("CONSUMER", "STATE", "TYPES", "WAITING", "LAST", "DEAD")
		for _, c := range all {
			types := strings.Join(c.Types, ",")
			if types == "" {
				types = "all"
			}
			table.Row(iostreams.OneLine(c.Name), o.stateOf(c), iostreams.OneLine(types), fmt.Sprint(c.Waiting+uint64(c.Working)), ago(o.now(), c.LastAnswered), fmt.Sprint(c.DeadLetters))
		}
		table.Write(w)
	})
}

// listening reports whether a process of a consumer runs: it asks for events, or works on one.
func listening(c bus.ConsumerInfo) bool { return c.Listening > 0 || c.Working > 0 }

func (o *options) stateOf(c bus.ConsumerInfo) string {
	switch {
	case !listening(c):
		return o.ios.Paint(iostreams.ToneBad, "away")
	case c.Again > 0:
		return o.ios.Paint(iostreams.ToneWarn, "retrying")
	case c.Waiting > 0:
		return o.ios.Paint(iostreams.ToneWarn, "behind")
	}
	return o.ios.Paint(iostreams.ToneGood, "up to date")
}
