package workload

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// routerFunc implements Router.
type routerFunc func(pod, container string, ref podspec.Reference, direct Route) Route

func (f routerFunc) Route(pod, container string, ref podspec.Reference, direct Route) Route {
	return f(pod, container, ref, direct)
}

func TestARouterDecidesForEachPodHowItReachesAService(t *testing.T) {
	for _, tc := range []struct {
		what     string
		router   routerFunc
		variable func(stable string) string
		// dials is what the container learns over its lifeline for the address in its variable.
		dials func(stable, endpoint string) map[string][]string
	}{
		{
			"without another router the address is stable, and the endpoints stand behind it", nil,
			func(stable string) string { return stable },
			func(stable, endpoint string) map[string][]string { return map[string][]string{stable: {endpoint}} },
		},
		{
			"a network of its own has names of its own",
			func(_, _ string, ref podspec.Reference, direct Route) Route {
				return Route{Addr: ref.Service.Name + ":80", Endpoints: direct.Endpoints}
			},
			func(string) string { return "catalog:80" },
			func(_, endpoint string) map[string][]string { return map[string][]string{"catalog:80": {endpoint}} },
		},
		{
			"a sidecar takes the place of the endpoints",
			func(pod, container string, _ podspec.Reference, direct Route) Route {
				return Route{Addr: direct.Addr, Endpoints: []string{"sidecar of " + container}}
			},
			func(stable string) string { return stable },
			func(stable, _ string) map[string][]string { return map[string][]string{stable: {"sidecar of server"}} },
		},
		{
			"a program without a lifeline is given the sidecar's address",
			func(string, string, podspec.Reference, Route) Route { return Route{Addr: "127.0.0.1:15001"} },
			func(string) string { return "127.0.0.1:15001" },
			func(string, string) map[string][]string { return map[string][]string{} },
		},
	} {
		t.Run(tc.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.app("catalog", 1)
				w.app("cart", 2, "catalog")
				w.run(func(c *Config) {
					if tc.router != nil {
						c.Router = tc.router
					}
				})
				defer w.stop()
				w.pass(steadyAfter)
				stable, endpoint := w.workload("catalog").Address, w.instances("catalog")[0].addr
				for _, in := range w.instances("cart") {
					if want := "CATALOG_ADDR=" + tc.variable(stable); !slices.Contains(in.c.Env, want) {
						t.Errorf("%s: environment %q, want %s", in.spec.Name, in.c.Env, want)
					}
					in.checkEndpoints(t, tc.dials(stable, endpoint))
				}
			})
		})
	}
}

func TestARouterKnowsThePodThatItDecidesFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("catalog", 1)
		w.app("cart", 2, "catalog")
		w.run(func(c *Config) {
			c.Router = routerFunc(func(pod, _ string, _ podspec.Reference, _ Route) Route {
				return Route{Addr: pod + ".sidecar:15001"}
			})
		})
		defer w.stop()
		w.pass(steadyAfter)
		for _, in := range w.instances("cart") {
			if want := "CATALOG_ADDR=" + in.spec.Name + ".sidecar:15001"; !slices.Contains(in.c.Env, want) {
				t.Errorf("%s: environment %q, want %s", in.spec.Name, in.c.Env, want)
			}
		}
	})
}

func (in *fakeInstance) checkEndpoints(t *testing.T, want map[string][]string) {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.received.Endpoints == nil {
		t.Errorf("%s: received no endpoints, want %v", in.spec.Name, want)
		return
	}
	got := *in.received.Endpoints
	if len(got) != len(want) {
		t.Errorf("%s: endpoints %v, want %v", in.spec.Name, got, want)
	}
	for addr, endpoints := range want {
		if !slices.Equal(got[addr], endpoints) {
			t.Errorf("%s: endpoints of %s are %v, want %v", in.spec.Name, addr, got[addr], endpoints)
		}
	}
}
