package call

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
	"github.com/shopctl/shopctl/services"
)

// addFrom adds --from.
func addFrom(cmd *cobra.Command, f *cmdutil.Factory, from *string) {
	cmd.Flags().StringVar(from, "from", "", "send it through the sidecar of this `SERVICE`, as if that sent it")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("from", cmdutil.CompleteServices(f)))
}

// proxied is where a service's sidecar takes calls to another one.
type proxied struct {
	// service is the name of the Service that is called: "paymentservice". addr is the sidecar's listener for it.
	service, addr string
}

// findThrough finds the listener of a service's sidecar for a Service: as "payment", or "paymentservice:50051" where it has
// several ports. The listener must take HTTP.
func findThrough(ctx context.Context, ios *iostreams.IO, shop *control.Client, namespace, from, word string) (*proxied, error) {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, err
	}
	held, err := shop.GetSidecar(ctx, &controlpb.GetSidecarRequest{Service: servicename.In(namespace, from)})
	if err != nil {
		return nil, err
	}
	name, port := word, ""
	if strings.Contains(word, ":") {
		if name, port, err = net.SplitHostPort(word); err != nil {
			return nil, cmdutil.UsageErr(ios.Command("call payment --from "+from), "read %q: want a service, or a Service with its port", word)
		}
	}
	hosts, err := hostsOf(st, namespace, name)
	var known []string
	for _, l := range held.GetListeners() {
		if l.GetDirection() != "outbound" || !strings.HasPrefix(l.GetDestination(), "Route: ") {
			continue
		}
		at := strings.LastIndexByte(l.GetName(), '_')
		host, number := l.GetName()[:max(at, 0)], l.GetName()[at+1:]
		service, _, _ := strings.Cut(host, ".")
		known = append(known, service)
		if !slices.Contains(hosts, strings.TrimSuffix(host, ".svc.cluster.local")) || port != "" && port != number {
			continue
		}
		if l.GetAddress() == "" || strings.HasSuffix(l.GetAddress(), ":0") {
			return nil, cmdutil.HintErr(callExit(codes.Unavailable), ios.Command("mesh status"),
				fmt.Errorf("call %s from %s: its sidecar does not listen for it yet", word, from))
		}
		return &proxied{service: service, addr: l.GetAddress()}, nil
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(known)
	return nil, cmdutil.UsageErr(ios.Command("mesh listeners "+from), "call %s from %s: its sidecar takes HTTP and gRPC for %s", word, from, strings.Join(slices.Compact(known), ", "))
}

// hostsOf are the Services that a word can mean, "paymentservice.production". A word that means no workload is taken for
// the name of a Service, with the error that says so.
func hostsOf(st *controlpb.StatusResponse, namespace, word string) ([]string, error) {
	if s, m := cmdutil.FindModule(st, namespace, word); m != nil {
		builtin, _ := services.Lookup(m.GetName())
		return []string{builtin.Workload + "." + s.GetNamespace()}, nil
	}
	s, ref, err := cmdutil.FindRef(st, namespace, word)
	if err != nil || isFront(s, ref) {
		return []string{ref.Name + "." + ref.Namespace}, err
	}
	var hosts []string
	for _, front := range s.GetFronts() {
		hosts = append(hosts, front+"."+s.GetNamespace())
	}
	if own := s.GetWorkload() + "." + s.GetNamespace(); len(hosts) == 0 || slices.Contains(hosts, own) {
		return []string{own}, nil
	}
	return hosts, nil
}

// through is the target of a call through the sidecar of o.from.
func (o *callOptions) through(ctx context.Context, word string) (*callTarget, error) {
	shop, err := o.f.Shop(ctx)
	if err != nil {
		return nil, err
	}
	defer shop.Close()
	p, err := findThrough(ctx, o.f.IO, shop, o.f.Namespace(), o.from, word)
	if err != nil {
		return nil, err
	}
	t := &callTarget{Target: call.Target{Name: p.service, Addr: p.addr}, from: o.from}
	if b, ok := services.Lookup(p.service); ok && b.Workload == p.service {
		t.Name, t.GRPC = b.Name, b.GRPC
	}
	return t, nil
}

// checkFrom refuses --from for what is not a call.
func (o *callOptions) checkFrom(args []string) error {
	if o.from == "" || len(args) > 1 && !o.describe && !o.template {
		return nil
	}
	return cmdutil.UsageErr(o.f.IO.Command("call "+args[0]), "--from is for calls: it needs a method, and not --describe or --template")
}

// storefront is where requests to the storefront go: to its address, or through the sidecar of o.from.
func (o *httpOptions) storefront(ctx context.Context) (string, error) {
	shop, err := o.connect(ctx)
	if err != nil {
		return "", err
	}
	defer shop.Close()
	if o.from != "" {
		p, err := findThrough(ctx, o.ios, shop, o.namespace(), o.from, "frontend")
		if err != nil {
			return "", err
		}
		return "http://" + p.addr, nil
	}
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return "", err
	}
	if st.GetUrl() == "" {
		return "", cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("ps frontend"), errors.New("the storefront is not running"))
	}
	return strings.TrimSuffix(st.GetUrl(), "/"), nil
}
