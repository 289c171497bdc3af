package services_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/services"
	"github.com/shopctl/shopctl/services/setup"
)

// source is a variable that is read from somewhere.
type source struct {
	Name, Value string
	ValueFrom   map[string]any `yaml:"valueFrom"`
}

// monolith is what its manifest holds: the environment of its one Deployment, and its Services.
func monolith(t *testing.T) (env map[string]source, fronts map[string]object) {
	t.Helper()
	env, fronts = map[string]source{}, map[string]object{}
	var deployment object
	decoder := yaml.NewDecoder(bytes.NewReader(services.MonolithManifest))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			checkDeployment(t, services.Monolith(), deployment, fronts[services.MonolithName])
			return env, fronts
		}
		var o object
		var d struct {
			Spec struct {
				Template struct {
					Spec struct{ Containers []struct{ Env []source } }
				}
			}
		}
		if err := errors.Join(err, node.Decode(&o), node.Decode(&d)); err != nil {
			t.Fatal(err)
		}
		switch o.Kind {
		case "Service":
			fronts[o.Metadata.Name] = o
		case "Deployment":
			deployment = o
			for _, e := range d.Spec.Template.Spec.Containers[0].Env {
				env[e.Name] = e
			}
		}
	}
}

func TestTheMonolithHoldsEveryServiceButTheCustomersAndAllAddressesAreModules(t *testing.T) {
	env, fronts := monolith(t)
	apart := objects(t)
	modules := setup.Modules()
	if len(modules) != 10 || len(fronts) != len(modules)+1 {
		t.Errorf("%d modules behind %d Services", len(modules), len(fronts))
	}
	var names []string
	for _, m := range modules {
		names = append(names, m.Name)
		own, there := apart["Service/"+m.Workload], fronts[m.Workload]
		if len(there.Spec.Ports) != 1 || there.Spec.Ports[0].Port != own.Spec.Ports[0].Port || there.Spec.Ports[0].Name != own.Spec.Ports[0].Name {
			t.Errorf("%s is reached at %+v, and elsewhere at %+v", m.Name, there.Spec.Ports, own.Spec.Ports)
		}
	}
	for key, o := range apart {
		if !strings.HasPrefix(key, "Deployment/") || !slices.ContainsFunc(modules, func(m chassis.Module) bool { return m.Workload == o.Metadata.Name }) {
			continue
		}
		for _, e := range o.Spec.Template.Spec.Containers[0].Env {
			if !strings.HasSuffix(e.Name, "_SERVICE_ADDR") {
				continue
			}
			module, inside := strings.CutPrefix(env[e.Name].Value, "inproc://")
			if !inside || !slices.Contains(names, module) {
				t.Errorf("%s of %s is %q in the monolith", e.Name, o.Metadata.Name, env[e.Name].Value)
			}
		}
	}
	if env["REDIS_ADDR"].Value != "redis-cart:6379" || env["GOMAXPROCS"].ValueFrom == nil {
		t.Errorf("carts lie in %q, threads come from %v", env["REDIS_ADDR"].Value, env["GOMAXPROCS"].ValueFrom)
	}
}
