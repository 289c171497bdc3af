package call

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
	"github.com/shopctl/shopctl/services"
)

// callTarget is a server to call, with its faults and origin.
type callTarget struct {
	call.Target
	// faults that are active on it, one phrase each.
	faults []string
	// foreign: it was given as host:port and is not part of the shop.
	foreign bool
	// outside: it is called at the port of its sidecar, as by a program outside of the mesh.
	outside bool
	// from is the service through whose sidecar it is called; empty: it is called itself.
	from string
}

// reach suggests what to check of a server outside of the shop that cannot be reached.
func (t *callTarget) reach() string {
	if t.TLS != nil {
		return "check that the server listens at " + t.Addr + ", speaks gRPC with TLS, and has a certificate that --cacert and --servername fit"
	}
	return "check that the server listens at " + t.Addr + " and speaks gRPC without TLS; with TLS: --tls"
}

// findTarget finds the server that word names. With offline, a built-in contract is enough, so that a built-in service
// is found with the shop down.
func findTarget(ctx context.Context, ios *iostreams.IO, connect cmdutil.Connect, namespace func() string, word string, offline bool) (*callTarget, error) {
	if strings.HasPrefix(word, call.UnixScheme) {
		return &callTarget{Target: call.Target{Name: word, Addr: word}, foreign: true}, nil
	}
	ref := servicename.Parse(word)
	builtin, isBuiltin := services.Lookup(ref.Name)
	isBuiltin = isBuiltin && ref.Kind != servicename.Pod && ref.Namespace == "" && namespace() == ""
	if isBuiltin && offline && len(builtin.GRPC) > 0 {
		return &callTarget{Target: call.Target{Name: builtin.Name, GRPC: builtin.GRPC}}, nil
	}
	if strings.Contains(word, ":") {
		return hostPort(word)
	}
	shop, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer shop.Close()
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, err
	}
	if _, err := cmdutil.ServicesIn(ctx, shop, namespace(), st.GetServices()); err != nil {
		return nil, err
	}
	if s, m := cmdutil.FindModule(st, namespace(), word); m != nil {
		// A module has its own Service, and is ready when its process is.
		return moduleTarget(ios, s, m, builtin)
	}
	s, ref, err := cmdutil.FindRef(st, namespace(), word)
	if err != nil || isFront(s, ref) {
		t, objectErr := serviceObject(ctx, ios, shop, ref, st.GetServices())
		if t == nil && objectErr == nil {
			objectErr = err
		}
		if t != nil || objectErr != nil {
			return t, objectErr
		}
	}
	if ref.Kind == servicename.Pod {
		return podTarget(ios, s, ref.Name)
	}
	if s.GetAddress() == "" { // the Service of its name leads to another Deployment
		if t, err := serviceObject(ctx, ios, shop, servicename.Ref{Namespace: s.GetNamespace(), Name: s.GetWorkload()}, st.GetServices()); t != nil {
			if t.Name = s.GetName(); isBuiltin {
				t.GRPC = builtin.GRPC
			}
			return t, err
		}
	}
	if err := callable(ios, s); err != nil {
		return nil, err
	}
	t := &callTarget{Target: call.Target{Name: s.GetName(), Addr: ownAddress(s)}, faults: s.GetFaults()}
	if isBuiltin {
		t.GRPC = builtin.GRPC
	}
	return t, nil
}

// ownAddress is the address of a service for a call from outside of the mesh: that of one of its instances, as a port-forward
// would have it, where sidecars take the calls of others.
func ownAddress(s *controlpb.Service) string {
	for _, in := range s.GetInstances() {
		for _, c := range in.GetContainers() {
			if c.GetName() == "istio-proxy" && in.GetState() == "ready" && in.GetAddress() != "" {
				return in.GetAddress()
			}
		}
	}
	return s.GetAddress()
}

// isFront reports whether a service was found by a Service with another name than its own, which may have an address of its
// own and other workloads behind it.
func isFront(s *controlpb.Service, ref servicename.Ref) bool {
	return ref.Kind != servicename.Pod && ref.Name != s.GetWorkload() && slices.Contains(s.GetFronts(), ref.Name)
}

// podTarget is one instance of a service.
func podTarget(ios *iostreams.IO, s *controlpb.Service, pod string) (*callTarget, error) {
	if s.GetProtocol() == "grpc" || s.GetProtocol() == "" {
		for _, in := range s.GetInstances() {
			if in.GetName() == pod && in.GetAddress() != "" {
				return &callTarget{Target: call.Target{Name: pod, Addr: in.GetAddress()}, faults: s.GetFaults()}, nil
			}
		}
		return nil, cmdutil.HintErr(callExit(codes.Unavailable), ios.Command("ps --instances "+s.GetName()), fmt.Errorf("call %s: the instance does not listen yet", pod))
	}
	return nil, callable(ios, s)
}

func moduleTarget(ios *iostreams.IO, s *controlpb.Service, m *controlpb.Module, builtin services.Builtin) (*callTarget, error) {
	alone := &controlpb.Service{
		Name: m.GetName(), Address: m.GetAddress(), Protocol: m.GetProtocol(), Replicas: s.GetReplicas(), Ready: s.GetReady(),
		State: s.GetState(), Message: s.GetMessage(),
	}
	if err := callable(ios, alone); err != nil {
		return nil, err
	}
	return &callTarget{Target: call.Target{Name: m.GetName(), Addr: m.GetAddress(), GRPC: builtin.GRPC}, faults: m.GetFaults()}, nil
}

// callable returns an error that explains why a service cannot be called.
func callable(ios *iostreams.IO, s *controlpb.Service) error {
	switch {
	case s.GetProtocol() == "http":
		hint := ios.Command("ps")
		switch {
		case s.GetName() == "frontend":
			hint = ios.Command("http /api/v1/products")
		case s.GetAddress() != "":
			hint = "curl http://" + s.GetAddress() + "/"
		}
		return cmdutil.UsageErr(hint, "call %s: it speaks HTTP, not gRPC", s.GetName())
	case s.GetProtocol() == "tcp":
		return cmdutil.UsageErr(ios.Command("ps"), "call %s: it speaks its own protocol over TCP, not gRPC", s.GetName())
	case s.GetReady() > 0 && s.GetAddress() == "" && s.GetMessage() != "":
		return cmdutil.HintErr(callExit(codes.Unavailable), ios.Command("restore "+s.GetName()), fmt.Errorf("call %s: %s", s.GetName(), s.GetMessage()))
	case s.GetReady() == 0 || s.GetAddress() == "":
		hint, why := "ps --instances "+s.GetName(), s.GetState()
		if s.GetMessage() != "" {
			why += ": " + s.GetMessage()
		}
		if s.GetReplicas() == 0 {
			hint = "start " + s.GetName()
		}
		return cmdutil.HintErr(callExit(codes.Unavailable), ios.Command(hint), fmt.Errorf("call %s: no instance is ready (%s)", s.GetName(), why))
	}
	return nil
}

// socket is the address of a Unix domain socket, from its path.
func socket(path string) (string, error) {
	absolute, err := filepath.Abs(strings.TrimPrefix(path, call.UnixScheme))
	if err != nil {
		return "", fmt.Errorf("find the socket %s: %w", path, err)
	}
	return call.UnixScheme + absolute, nil
}

// hostPort is a server outside of the shop.
func hostPort(word string) (*callTarget, error) {
	host, port, err := net.SplitHostPort(word)
	if err != nil {
		return nil, cmdutil.UsageErr("shopctl call 127.0.0.1:50051", "read %q: want a service or host:port", word)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return nil, cmdutil.UsageErr("shopctl call 127.0.0.1:50051", "read %q: %q is not a port", word, port)
	}
	if host == "" {
		word = net.JoinHostPort("127.0.0.1", port)
	}
	return &callTarget{Target: call.Target{Name: word, Addr: word}, foreign: true}, nil
}

// explain adds exit codes and hints to the errors of calls that were not made.
func (o *callOptions) explain(t *callTarget, err error) error {
	var invalid *call.Invalid
	switch {
	case errors.As(err, &invalid):
		return cmdutil.UsageErr(invalid.Hint, "%w", err)
	case errors.Is(err, call.ErrNoReflection):
		return cmdutil.HintErr(cmdutil.ExitFailed, "register server reflection in the server: reflection.Register(server) in Go", err)
	case errors.Is(err, call.ErrNotRunning):
		return cmdutil.HintErr(cmdutil.ExitNotRunning, o.f.IO.Command("ps"), err)
	}
	if st, ok := cmdutil.StatusOf(err); ok {
		hint := o.f.IO.Command("ps")
		if t.foreign {
			hint = t.reach()
		}
		return cmdutil.HintErr(callExit(st.Code()), hint, err)
	}
	return err
}
