package call

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
	"github.com/shopctl/shopctl/services"
)

// strangerOptions are those of calls as a program outside of the mesh makes them.
type strangerOptions struct{ plaintext, wire bool }

// add adds the flags.
func (o *strangerOptions) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.plaintext, "plaintext", false, "send it to the port of the service's sidecar without TLS, as a program outside of the mesh")
	cmd.Flags().BoolVar(&o.wire, "wire", false, "print the bytes that go over the connection to standard error, as text")
}

// check refuses the flags for what is not a call.
func (o *strangerOptions) check(c *callOptions, args []string) error {
	if !o.plaintext && !o.wire {
		return nil
	}
	usage := func(text string) error {
		return cmdutil.UsageErr(c.f.IO.Command("call payment Charge --plaintext --wire < charge.json"), "%s", text)
	}
	switch {
	case o.plaintext && !o.wire && c.from == "" && strings.Contains(args[0], ":"):
		return nil // A call to host:port is without TLS as it is, and grpcurl wants it said.
	case len(args) < 2 || c.describe || c.template:
		return usage("--plaintext and --wire are for calls: they need a method, and not --describe or --template")
	case o.plaintext && c.from != "":
		return usage("--plaintext and --from cannot be combined: the sidecar of --from uses mutual TLS")
	case o.wire && c.repeat > 0:
		return usage("--wire and --repeat cannot be combined")
	}
	return nil
}

// stranger is the port at which a service's sidecar takes the calls of others.
func (o *callOptions) stranger(ctx context.Context, word string) (*callTarget, error) {
	shop, err := o.f.Shop(ctx)
	if err != nil {
		return nil, err
	}
	defer shop.Close()
	held, err := shop.GetSidecar(ctx, &controlpb.GetSidecarRequest{Service: servicename.In(o.f.Namespace(), word)})
	if err != nil {
		return nil, err
	}
	service := held.GetSidecar().GetService()
	t := &callTarget{Target: call.Target{Name: service}, outside: true}
	if b, ok := services.Lookup(service); ok {
		t.GRPC = b.GRPC
	}
	for _, l := range held.GetListeners() {
		if l.GetDirection() == "inbound" && !strings.HasSuffix(l.GetAddress(), ":0") {
			t.Addr = l.GetAddress()
			return t, nil
		}
	}
	return nil, cmdutil.HintErr(callExit(codes.Unavailable), o.f.IO.Command("mesh status"), fmt.Errorf("call %s: its sidecar does not listen yet", word))
}
