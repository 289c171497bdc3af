// Package forward implements "shopctl port-forward": ports of one's choice for Services and pods.
package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type options struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	addresses []string
	// printing is held by the connection that prints.
	printing sync.Mutex
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	o := &options{ios: f.IO, connect: f.Shop, namespace: f.Namespace}
	cmd := &cobra.Command{
		Use:   "port-forward KIND/NAME [LOCAL:]REMOTE...",
		Short: "Serve ports of a Service or a pod at ports of your choice",
		Long: `Serve ports of a Service, a Deployment or a pod at ports of your choice, until it is interrupted. REMOTE is a port
of the Service, by number or name, or one that a container declares. LOCAL is the same unless it is given; empty,
any free one.

A Service is served by all its ready instances in turn; a Deployment by one of them, which ends the command when it
ends. Every Service has an address of its own as well, which shopctl ps shows.`,
		Example: `shopctl port-forward svc/cartservice 7070
shopctl port-forward svc/frontend 9000:80
shopctl port-forward deployment/productcatalogservice :3550`,
		Args:              cmdutil.AtLeast(2, "KIND/NAME and [LOCAL:]REMOTE"),
		ValidArgsFunction: cmdutil.CompleteOneService(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0], args[1:]) },
	}
	cmd.Flags().StringSliceVar(&o.addresses, "address", []string{"localhost"}, "`ADDRESSES` to listen on: IP addresses, or localhost for 127.0.0.1 and ::1")
	return cmdutil.Exits(cmd, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitEnvironment, cmdutil.ExitInterrupted)
}

func (o *options) run(ctx context.Context, name string, words []string) error {
	pairs, err := parsePorts(words)
	if err != nil {
		return err
	}
	hosts, err := o.hosts()
	if err != nil {
		return err
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	if _, err := cmdutil.ServicesIn(ctx, shop, o.namespace(), st.GetServices()); err != nil {
		return err
	}
	t, err := o.target(ctx, shop, st, name)
	if err != nil {
		return err
	}
	var open []*forwarder
	defer func() {
		for _, f := range open {
			f.listener.Close()
		}
	}()
	for _, p := range pairs {
		address, err := t.address(p.remote)
		if err != nil {
			return err
		}
		some, err := o.listen(ctx, hosts, p, address)
		open = append(open, some...)
		if err != nil {
			return err
		}
	}
	return o.serve(ctx, shop, t, open)
}

// hosts are the IP addresses to listen on. Those of localhost need not all be there.
func (o *options) hosts() ([]string, error) {
	var hosts []string
	for _, word := range o.addresses {
		switch {
		case word == "localhost":
			hosts = append(hosts, "127.0.0.1", "::1")
		case net.ParseIP(word) != nil:
			hosts = append(hosts, word)
		default:
			return nil, cmdutil.UsageErr("--address 127.0.0.1", "read --address %q: want an IP address or localhost", word)
		}
	}
	return hosts, nil
}

// forwarder passes the connections of a listener on.
type forwarder struct {
	listener net.Listener
	// address is where they are passed to.
	address string
}

// listen listens at all hosts on one local port. It fails if none can be listened on.
func (o *options) listen(ctx context.Context, hosts []string, p pair, address string) ([]*forwarder, error) {
	var open []*forwarder
	var lc net.ListenConfig
	var failed error
	port := p.local
	for _, host := range hosts {
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		_, port, err = net.SplitHostPort(l.Addr().String())
		if err != nil {
			return open, err
		}
		open = append(open, &forwarder{l, address})
		if _, err := fmt.Fprintf(o.ios.Out, "Forwarding from %s -> %s\n", l.Addr(), p.remote); err != nil {
			return open, err
		}
	}
	if len(open) == 0 {
		return nil, cmdutil.HintErr(cmdutil.ExitEnvironment, "take another port, or any free one: :"+p.remote, fmt.Errorf("unable to listen on port %s: %w", p.local, failed))
	}
	return open, nil
}

// serve passes connections on until ctx ends, or the instance that they are passed to has ended.
func (o *options) serve(ctx context.Context, shop *control.Client, t *target, open []*forwarder) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	defer all.Wait()
	stop := context.AfterFunc(ctx, func() {
		for _, f := range open {
			f.listener.Close()
		}
	})
	defer stop()
	for _, f := range open {
		all.Go(func() {
			for {
				conn, err := f.listener.Accept()
				if err != nil {
					cancel(fmt.Errorf("accept a connection: %w", err))
					return
				}
				_, port, _ := net.SplitHostPort(f.listener.Addr().String())
				o.print(func() { fmt.Fprintf(o.ios.Out, "Handling connection for %s\n", port) })
				all.Go(func() { o.handle(ctx, conn, f.address) })
			}
		})
	}
	if t.instance != "" {
		all.Go(func() { cancel(t.gone(ctx, shop)) })
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// print prints while no other connection does.
func (o *options) print(print func()) {
	o.printing.Lock()
	defer o.printing.Unlock()
	print()
}

// handle passes one connection on.
func (o *options) handle(ctx context.Context, from net.Conn, address string) {
	defer from.Close()
	var d net.Dialer
	to, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		if ctx.Err() == nil {
			o.print(func() {
				o.ios.PrintMessage("error", fmt.Sprintf("an error occurred forwarding to %s: %v", address, err))
			})
		}
		return
	}
	defer to.Close()
	stop := context.AfterFunc(ctx, func() {
		from.Close()
		to.Close()
	})
	defer stop()
	pass(from, to)
}
