// Package bus contains the commands about the shop's events: what is sent, who receives it, and what was given up.
package bus

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
	"github.com/shopctl/shopctl/services"
)

// callTimeout bounds what a command asks the bus.
const callTimeout = 10 * time.Second

const (
	// urlVar is the variable of a service that says where the bus is; localURL its value for the shop's own.
	urlVar, localURL = "NATS_URL", "nats://" + localName + ":4222"
	localName        = "nats"
	// confirmVar is the variable of the sender that says how email learns of orders.
	confirmVar = "CONFIRM_BY"
	// sender is the service that sends the shop's events.
	sender = "checkout"
)

// NewCmd builds the group.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "bus",
		Short: "See and send events, and settle those that a consumer gave up",
		Long: `See and send events, and settle those that a consumer gave up.

With a bus, checkout reports what happens to orders in events: OrderPlaced, PaymentCharged and so on. An event is
written with what it reports in one transaction, and delivered to each consumer at least once, in order. What a
consumer fails at five times is set aside as a dead letter. Events of Kubernetes are another thing: shopctl events.`,
	}, newStartCmd(f), newStopCmd(f), newTopicsCmd(f), newConsumersCmd(f), newTailCmd(f), newPublishCmd(f), newReplayCmd(f), newDeadLettersCmd(f))
}

// options are shared by the commands that use the bus.
type options struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time
	format  string
}

func newOptions(f *cmdutil.Factory) options { return options{ios: f.IO, connect: f.Shop, now: f.Now} }

// with connects to the bus and calls use with it.
func (o *options) with(ctx context.Context, use func(ctx context.Context, b *bus.Bus) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	b, err := dial(ctx, o.ios, o.connect)
	if err != nil {
		return err
	}
	defer b.Close()
	return o.explain(use(ctx, b))
}

// explain adds what to do about an error of the bus.
func (o *options) explain(err error) error {
	var known *cmdutil.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(err, bus.ErrNoConsumer):
		return cmdutil.HintErr(cmdutil.ExitUsage, o.ios.Command("bus consumers"), err)
	case errors.Is(err, bus.ErrNoDeadLetter):
		return cmdutil.HintErr(cmdutil.ExitUsage, o.ios.Command("bus dead-letters list"), err)
	}
	return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("status"), err)
}

// dial connects to the bus that the shop uses.
func dial(ctx context.Context, ios *iostreams.IO, connect cmdutil.Connect) (*bus.Bus, error) {
	shop, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer shop.Close()
	at, err := find(ctx, shop)
	if err != nil {
		return nil, err
	}
	if at == "" {
		return nil, cmdutil.HintErr(cmdutil.ExitFailed, ios.Command("bus start"), errors.New("this shop has no bus: nothing subscribes to its events"))
	}
	b, err := bus.Connect(bus.Config{URL: at, Name: "shopctl", Now: true})
	if err != nil {
		return nil, cmdutil.HintErr(cmdutil.ExitFailed, ios.Command("status"), err)
	}
	return b, nil
}

// find returns the URL of the bus that the sender of events uses; empty if it uses none.
func find(ctx context.Context, shop *control.Client) (string, error) {
	at, err := urlOf(ctx, shop)
	if err != nil || at == "" {
		return "", err
	}
	parsed, err := url.Parse(at)
	if err != nil || parsed.Hostname() != localName {
		return at, nil
	}
	addr, err := cmdutil.AddressOf(ctx, shop, localName)
	if err != nil {
		return "", err
	}
	parsed.Host = addr
	return parsed.String(), nil
}

// urlOf reads NATS_URL of checkout's Deployment.
func urlOf(ctx context.Context, shop *control.Client) (string, error) {
	workload := sender
	if b, ok := services.Lookup(sender); ok {
		workload = b.Workload
	}
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: resource.KindDeployment})
	if err != nil {
		return "", err
	}
	for _, o := range resp.GetObjects() {
		if o.GetName() != workload && o.GetName() != services.MonolithName {
			continue
		}
		typed, err := edit.TypedObject(o)
		if err != nil {
			return "", err
		}
		if at := variable(typed, urlVar); at != "" {
			return at, nil
		}
	}
	return "", nil
}

// variable is the value of a Deployment's variable.
func variable(o resource.Object, name string) string {
	d, ok := o.(*appsv1.Deployment)
	if !ok {
		return ""
	}
	for _, c := range d.Spec.Template.Spec.Containers {
		for _, e := range c.Env {
			if e.Name == name {
				return e.Value
			}
		}
	}
	return ""
}

// completeTypes completes types of events.
func completeTypes(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return cmdutil.Without(shopevent.Types(), args), cobra.ShellCompDirectiveNoFileComp
}

// complete completes what the bus knows.
func complete(f *cmdutil.Factory, most int, list func(ctx context.Context, b *bus.Bus) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), cmdutil.LiveTimeout)
		defer cancel()
		b, err := dial(ctx, f.IO, f.Shop)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer b.Close()
		words, err := list(ctx, b)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return slices.DeleteFunc(words, func(word string) bool { return slices.Contains(args, word) }), cobra.ShellCompDirectiveNoFileComp
	}
}

func consumerNames(ctx context.Context, b *bus.Bus) ([]string, error) {
	all, err := b.Consumers(ctx)
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = iostreams.OneLine(c.Name)
	}
	return names, err
}

// ago is an age for people; "-" without a time.
func ago(now, at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return cmdutil.Age(now, at)
}

// stamp is a time in JSON; empty without one.
func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// usage is the error of a wrong argument, with an example.
func (o *options) usage(example string, err error) error {
	return cmdutil.HintErr(cmdutil.ExitUsage, o.ios.Command(example), err)
}
