// Package observe implements the commands that show what happens in the shop: logs, events, traces, metrics, alerts and the
// map of calls.
package observe

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// streamOptions are shared by logs and events: both print what is stored, oldest first, and can follow new elements.
type streamOptions struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	now       func() time.Time
	format    string
	follow    bool
	since     string
}

// add adds the flags to cmd. what is the plural of the elements: "lines".
func (o *streamOptions) add(cmd *cobra.Command, what string) {
	flags := cmd.Flags()
	flags.BoolVarP(&o.follow, "follow", "f", false, "keep printing new "+what+" until interrupted")
	flags.StringVar(&o.since, "since", "", "only "+what+" since this `TIME` (RFC 3339) or duration, such as 5m")
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON)
	cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

// begin connects to the shop and finds the service whose name is in args, "" if there is none, and the
// earliest time, nil if there is none. The caller closes the shop.
func (o *streamOptions) begin(ctx context.Context, args []string) (shop *control.Client, service string, since *timestamppb.Timestamp, err error) {
	earliest, err := cmdutil.ParseTime(o.now(), "since", o.since)
	if err != nil {
		return nil, "", nil, err
	}
	if !earliest.IsZero() {
		since = timestamppb.New(earliest)
	}
	if shop, err = o.connect(ctx); err != nil {
		return nil, "", nil, err
	}
	if len(args) == 0 && o.namespace() == "" {
		return shop, "", since, nil
	}
	if service, err = serviceArg(ctx, o.namespace, shop, args); err != nil {
		shop.Close()
		return nil, "", nil, err
	}
	return shop, service, since, nil
}

// further are the services, modules or instances after the first argument, as the daemon knows them.
func (o *streamOptions) further(ctx context.Context, shop *control.Client, args []string) ([]string, error) {
	var found []string
	for i := 1; i < len(args); i++ {
		name, err := serviceArg(ctx, o.namespace, shop, args[i:i+1])
		if err != nil {
			return nil, err
		}
		found = append(found, name)
	}
	return found, nil
}

// serviceArg is the service, module or instance named in args as the daemon knows it; without one, all of the namespace.
func serviceArg(ctx context.Context, namespace func() string, shop *control.Client, args []string) (string, error) {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return "", err
	}
	_, err = cmdutil.ServicesIn(ctx, shop, namespace(), st.GetServices())
	if err != nil || len(args) == 0 {
		return namespace() + "/", err
	}
	if _, m := cmdutil.FindModule(st, namespace(), args[0]); m != nil {
		return m.GetName(), nil
	}
	s, ref, err := cmdutil.FindRef(st, namespace(), args[0])
	if ref.Kind == servicename.Pod && err == nil {
		return s.GetNamespace() + "/pod/" + ref.Name, nil
	}
	return s.GetName(), err
}

// receive prints every element of a stream until its end. what is their plural, for the message that there are none.
func receive[T any](ios *iostreams.IO, what string, stream grpc.ServerStreamingClient[T], print func(*T) error) error {
	for n := 0; ; n++ {
		element, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			if n == 0 {
				ios.Notef("no %s found", what)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if err := print(element); err != nil {
			return err
		}
	}
}
