package call

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// serviceObject finds a Service whose name is not that of a Deployment, as in a blue-green rollout, and returns one of
// its ready instances; nil if there is no such Service.
func serviceObject(ctx context.Context, ios *iostreams.IO, shop *control.Client, ref servicename.Ref, running []*controlpb.Service) (*callTarget, error) {
	if ref.Kind != servicename.Any && ref.Kind != servicename.Service {
		return nil, nil
	}
	name := ref.Name
	found, err := edit.ObjectsOf[*corev1.Service](ctx, shop, &controlpb.GetRequest{Kind: resource.KindService, Names: []string{name}, Namespace: ref.Namespace})
	if err != nil || len(found) != 1 || len(found[0].Spec.Selector) == 0 {
		return nil, nil // The shop knows nothing of it: the name is unknown.
	}
	svc := found[0]
	deployments, err := edit.ObjectsOf[*appsv1.Deployment](ctx, shop, &controlpb.GetRequest{Kind: resource.KindDeployment, Namespace: svc.Namespace})
	if err != nil {
		return nil, err
	}
	selector := labels.SelectorFromSet(svc.Spec.Selector)
	for _, d := range deployments {
		if !selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			continue
		}
		for _, s := range running {
			if s.GetWorkload() != d.Name || s.GetNamespace() != d.Namespace {
				continue
			}
			if addr := readyInstance(s); addr != "" {
				return &callTarget{Target: call.Target{Name: name, Addr: addr}, faults: s.GetFaults()}, nil
			}
		}
	}
	return nil, cmdutil.HintErr(callExit(codes.Unavailable), ios.Command("describe service "+name), fmt.Errorf("call %s: no instance of the Service is ready", name))
}

func readyInstance(s *controlpb.Service) string {
	for _, in := range s.GetInstances() {
		if in.GetState() == "ready" && in.GetAddress() != "" {
			return in.GetAddress()
		}
	}
	return ""
}
