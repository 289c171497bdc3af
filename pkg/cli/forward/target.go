package forward

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// target is what ports are forwarded to.
type target struct {
	// word as kubectl has it: "service cartservice".
	word string
	// instance is the pod; empty for a Service.
	instance string
	ports    []targetPort
}

type targetPort struct {
	name    string
	number  int32
	address string
}

// errLost ends the command, as kubectl does.
var errLost = errors.New("lost connection to pod")

// target finds what a name means: svc/NAME or a service's own name is the Service, and deployment/NAME one of the instances.
func (o *options) target(ctx context.Context, shop *control.Client, st *controlpb.StatusResponse, name string) (*target, error) {
	s, ref, err := cmdutil.FindRef(st, o.namespace(), name)
	if err != nil {
		return nil, err
	}
	instance := ref.Name
	switch ref.Kind {
	case servicename.Pod:
	case servicename.Deployment:
		i := slices.IndexFunc(s.GetInstances(), func(in *controlpb.Instance) bool { return in.GetState() == "ready" })
		if i < 0 {
			return nil, cmdutil.HintErr(cmdutil.ExitFailed, "shopctl ps "+s.GetName(), fmt.Errorf("unable to forward port: no instance of %s is ready", s.GetName()))
		}
		instance = s.GetInstances()[i].GetName()
	default:
		return serviceTarget(s, ref.Name)
	}
	return podTarget(ctx, shop, s, instance)
}

// serviceTarget is the Service of a name, or else the main one of a service.
func serviceTarget(s *controlpb.Service, name string) (*target, error) {
	main := name
	if !slices.Contains(s.GetFronts(), name) {
		main = s.GetWorkload()
		if !slices.Contains(s.GetFronts(), main) && len(s.GetFronts()) > 0 {
			main = s.GetFronts()[0]
		}
	}
	t := &target{word: "service " + main}
	for _, p := range s.GetPorts() {
		if p.GetService() == main {
			t.ports = append(t.ports, targetPort{p.GetName(), p.GetPort(), p.GetAddress()})
		}
	}
	if len(t.ports) == 0 {
		return nil, cmdutil.HintErr(cmdutil.ExitFailed, "shopctl port-forward deployment/"+s.GetWorkload()+" PORT", fmt.Errorf("no Service leads to %s", s.GetName()))
	}
	return t, nil
}

// podTarget is one instance.
func podTarget(ctx context.Context, shop *control.Client, s *controlpb.Service, name string) (*target, error) {
	kind, err := find.Lookup("pods")
	if err != nil {
		return nil, err
	}
	found, err := kind.Get(ctx, shop, find.Query{Namespace: s.GetNamespace(), Names: []string{name}})
	if err != nil {
		return nil, err
	}
	t := &target{word: "pod " + name, instance: name}
	pod, _ := found[0].(*corev1.Pod)
	i := slices.IndexFunc(s.GetInstances(), func(in *controlpb.Instance) bool { return in.GetName() == name })
	if pod == nil || i < 0 {
		return nil, errLost
	}
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			t.ports = append(t.ports, targetPort{p.Name, p.ContainerPort, addressOf(s.GetInstances()[i], c.Name)})
		}
	}
	return t, nil
}

// addressOf is where a container of an instance listens; the first one's address is the instance's.
func addressOf(in *controlpb.Instance, container string) string {
	for _, c := range in.GetContainers() {
		if c.GetName() == container && c.GetAddress() != "" {
			return c.GetAddress()
		}
	}
	return in.GetAddress()
}

// address is where a port is served, by its number or name.
func (t *target) address(remote string) (string, error) {
	var known []string
	for _, p := range t.ports {
		number := strconv.Itoa(int(p.number))
		if remote == number || remote == p.name {
			if p.address == "" {
				return "", cmdutil.HintErr(cmdutil.ExitFailed, "shopctl ps --instances", fmt.Errorf("unable to forward port: port %s of %s has no address on this machine", remote, t.word))
			}
			return p.address, nil
		}
		if p.name != "" {
			number += " (" + p.name + ")"
		}
		known = append(known, number)
	}
	return "", cmdutil.UsageErr("a port of "+t.word+": "+strings.Join(known, ", "), "%s does not have port %s", t.word, remote)
}

// pollInterval is how late it is noticed that an instance is gone.
const pollInterval = 500 * time.Millisecond

// gone returns once the instance is gone, or the shop is.
func (t *target) gone(ctx context.Context, shop *control.Client) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		st, err := shop.Status(ctx, &controlpb.StatusRequest{})
		if err != nil {
			return err
		}
		has := func(s *controlpb.Service) bool {
			return slices.ContainsFunc(s.GetInstances(), func(in *controlpb.Instance) bool { return in.GetName() == t.instance })
		}
		if !slices.ContainsFunc(st.GetServices(), has) {
			return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl ps --instances", errLost)
		}
	}
}
