package names_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/services"
)

// directory is that of a shop with a built-in service, a service of its own and one in another namespace.
func directory(workloads ...orchestrator.Workload) *names.Directory {
	return &names.Directory{
		Namespace: "production",
		Deployments: func() []orchestrator.Key {
			return []orchestrator.Key{
				{Namespace: "production", Name: "productcatalogservice"}, {Namespace: "production", Name: "wishlist"}, {Namespace: "staging", Name: "wishlist"},
			}
		},
		Snapshot: func() orchestrator.Snapshot { return orchestrator.Snapshot{Workloads: workloads} },
	}
}

func TestAWorkloadIsFoundByEveryNameItHas(t *testing.T) {
	d := directory()
	for name, want := range map[string]string{
		"catalog": "production/productcatalogservice", "Catalog": "production/productcatalogservice", "productcatalogservice": "production/productcatalogservice",
		"deployment/productcatalogservice": "production/productcatalogservice", "wishlist": "production/wishlist", "staging/wishlist": "staging/wishlist",
	} {
		if key, ok := d.Find(name); !ok || key.String() != want {
			t.Errorf("%s is %s, %v", name, key, ok)
		}
	}
	if key, ok := d.Find("cart"); ok {
		t.Errorf("cart is %s", key)
	}
	if got := strings.Join(d.All(), " "); got != "catalog staging/wishlist wishlist" {
		t.Errorf("all are %s", got)
	}
}

func TestAnUnknownNameGetsTheNearestAsASuggestion(t *testing.T) {
	err := directory().Unknown("catalgo")
	if hint, exit, _ := control.HintOf(err); status.Convert(err).Message() != `no service "catalgo"` || !strings.HasPrefix(hint, "did you mean catalog?") || exit != 2 {
		t.Errorf("%v, hint %q, exit %d", err, hint, exit)
	}
}

func TestAServiceWithoutADeploymentIsNotUnknown(t *testing.T) {
	d := directory()
	d.HasService = func(key orchestrator.Key) bool {
		return key.String() == "production/gone" || key.String() == "staging/gone"
	}
	for name, want := range map[string]string{
		"gone": "Service production/gone leads to no Deployment", "service/gone": "Service production/gone leads to no Deployment",
		"staging/gone": "Service staging/gone leads to no Deployment", "deployment/gone": `no deployment "gone"`, "other": `no service "other"`,
	} {
		err := d.Unknown(name)
		if got := status.Convert(err).Message(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if hint, exit, _ := control.HintOf(d.Unknown("staging/gone")); hint != "shopctl describe service gone --namespace staging" || exit != 2 {
		t.Errorf("hint %q, exit %d", hint, exit)
	}
}

func TestAModuleIsATargetInItsMonolith(t *testing.T) {
	monolith := orchestrator.Workload{
		Key: orchestrator.Key{Namespace: "production", Name: "monolith"}, Builtin: services.MonolithName,
		Fronts: []orchestrator.FrontService{{Service: "paymentservice", Address: "127.0.0.1:1", Protocol: "grpc"}},
	}
	d := directory(monolith)
	target, ok := d.Target("payment")
	if !ok || target.Module != "paymentservice" || target.Workload != "production/monolith" || target.Process != "monolith" || !target.Chassis {
		t.Errorf("payment is %+v, %v", target, ok)
	}
	if d.Module("payment") != "payment" || d.Module("cart") != "" {
		t.Errorf("modules %q and %q", d.Module("payment"), d.Module("cart"))
	}
	if target, ok := d.Target("wishlist"); !ok || target.Chassis || target.Workload != "production/wishlist" {
		t.Errorf("wishlist is %+v, %v", target, ok)
	}
}

func TestADisplayedNameIsOneThatIsFound(t *testing.T) {
	keys := []orchestrator.Key{
		{Namespace: "production", Name: "productcatalogservice"},
		{Namespace: "production", Name: "catalog"},
		{Namespace: "production", Name: "cartservice"},
		{Namespace: "staging", Name: "cartservice"},
	}
	d := &names.Directory{
		Namespace:   "production",
		Deployments: func() []orchestrator.Key { return keys },
		Snapshot:    func() orchestrator.Snapshot { return orchestrator.Snapshot{} },
	}
	for i, want := range []string{"productcatalogservice", "catalog", "cart", "staging/cartservice"} {
		if got := d.Display(keys[i]); got != want {
			t.Errorf("%s is displayed as %q, want %q", keys[i], got, want)
		}
		if key, ok := d.Find(want); !ok || key != keys[i] {
			t.Errorf("%s is %s, %v", want, key, ok)
		}
	}
	if key, ok := d.Find("staging/cart"); !ok || key != keys[3] {
		t.Errorf("staging/cart is %s, %v", key, ok)
	}
	if !d.InNamespace("cart", "production") || d.InNamespace("staging/cartservice", "production") || !d.InNamespace("staging/cartservice", "staging") {
		t.Error("a displayed name is in the wrong namespace")
	}
}

func TestAFaultIsOneOfAWholeService(t *testing.T) {
	w := orchestrator.Workload{Key: orchestrator.Key{Namespace: "production", Name: "wishlist"}, Instances: []orchestrator.Instance{{Name: "wishlist-1"}}}
	d := directory(w)
	if key, ref, err := d.Resolve("pod/wishlist-1"); err != nil || key != w.Key || ref.Name != "wishlist-1" {
		t.Errorf("%v %v %v", key, ref, err)
	}
	if target, ok := d.Target("pod/wishlist-1"); ok {
		t.Errorf("target %+v", target)
	}
}
