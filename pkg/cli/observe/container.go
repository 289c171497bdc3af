package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// chooseContainer checks the container whose logs are asked for. Without one, it names the containers whose logs are
// not shown, as kubectl does.
func (o *logsOptions) chooseContainer(ctx context.Context, shop *control.Client, service string) error {
	if service == "" || strings.HasSuffix(service, "/") || o.allContainers {
		return nil
	}
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	s, ref, err := cmdutil.FindRef(st, "", service)
	instances := s.GetInstances()
	if ref.Kind == servicename.Pod {
		instances = slices.DeleteFunc(slices.Clone(instances), func(in *controlpb.Instance) bool { return in.GetName() != ref.Name })
	}
	if err != nil || len(instances) == 0 {
		return nil // the logs of what is gone may still be there
	}
	first, names := cmdutil.ContainerNames(instances[len(instances)-1])
	switch {
	case o.container == "" && len(names) > 1:
		o.ios.Notef("defaulted to container %s of: %s", first, strings.Join(names, ", "))
	case o.container != "" && !slices.ContainsFunc(names, func(n string) bool { return strings.Fields(n)[0] == o.container }):
		return cmdutil.UsageErr(fmt.Sprintf("shopctl logs %s -c %s", service, first), "%s has no container %q: it has %s", service, o.container, strings.Join(names, ", "))
	}
	return nil
}

// selected are the Deployments whose instances have the labels of -l.
func (o *logsOptions) selected(ctx context.Context, shop *control.Client) ([]string, error) {
	selector, err := labels.Parse(o.selector)
	if err != nil {
		return nil, cmdutil.UsageErr("-l app=cartservice,version=v1", "selector %q: %w", o.selector, err)
	}
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: resource.KindDeployment, Namespace: o.namespace()})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, object := range resp.GetObjects() {
		var d appsv1.Deployment
		if err := json.Unmarshal(object.GetJson(), &d); err != nil {
			return nil, fmt.Errorf("decode deployment/%s: %w", object.GetName(), err)
		}
		if selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			names = append(names, object.GetNamespace()+"/deployment/"+object.GetName())
		}
	}
	return names, nil
}
