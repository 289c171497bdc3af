package workload

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
)

// gateway adds the gateway, and labels the namespace.
func (w *world) gateway() {
	w.edit(func(o *Objects) {
		w.app(resource.Gateway, 1)
		d := o.Deployments[len(o.Deployments)-1]
		d.Spec.Template.Annotations = map[string]string{"inject.istio.io/templates": "gateway"}
		d.Spec.Template.Spec.Containers[0].Name = SidecarName
	})
	w.inject("enabled")
}

func TestAShopOfTheStorefrontAloneHasItsGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("catalog", 1)
		w.app("ad", 1)
		w.app(resource.Gateway, 1)
		w.run(withMesh, func(c *Config) {
			c.Storefront = orchestrator.Key{Namespace: ns, Name: "catalog"}
			c.Only = []orchestrator.Key{c.Storefront}
		})
		defer w.stop()
		w.pass(time.Second)
		w.state(resource.Gateway, "ok")
		w.state("ad", "stopped")
	})
}

func TestTheStorefrontsAddressLeadsToTheGatewayOnceThatListensAndNeverAroundIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		beside := w.sidecar
		w.sidecar = func(in *fakeInstance) {
			if in.spec.Workload != resource.Gateway {
				beside(in)
				return
			}
			time.AfterFunc(20*time.Millisecond, func() { in.reportListeners("0.0.0.0_80"); in.listen() })
		}
		w.app("catalog", 1)
		w.run(withMesh, func(c *Config) { c.Storefront = orchestrator.Key{Namespace: ns, Name: "catalog"} })
		defer w.stop()
		w.pass(steadyAfter)
		app, _ := w.split("catalog")
		leads := func(want ...string) {
			t.Helper()
			if got := w.endpoints("catalog"); !slices.Equal(got, want) {
				t.Errorf("the storefront's address leads to %v, want %v", got, want)
			}
		}
		least := w.watchLeast("catalog")
		w.gateway()
		w.pass(10 * time.Millisecond)
		leads(app.addr)
		w.pass(time.Second)
		all := w.instances(resource.Gateway)
		if len(all) != 1 {
			t.Fatalf("%d instances of the gateway: %+v, %v", len(all), w.workload(resource.Gateway), w.reasons(resource.Gateway))
		}
		gateway := all[0]
		leads(gateway.addr + "/0.0.0.0_80")
		if n := least(); n < 1 {
			t.Errorf("the address had %d endpoints at worst", n)
		}
		gateway.end(Exit{Code: 137, Signal: sigkill})
		w.pass(time.Millisecond)
		leads()
		w.pass(time.Second)
		leads(w.instances(resource.Gateway)[0].addr + "/0.0.0.0_80")
		least = w.watchLeast("catalog")
		if told := w.reasons("catalog"); slices.Contains(told, "GatewayGone") {
			t.Errorf("events while the gateway exists: %v", told)
		}
		w.edit(func(o *Objects) {
			o.Deployments = slices.DeleteFunc(o.Deployments, func(d *appsv1.Deployment) bool { return d.Name == resource.Gateway })
		})
		w.pass(5 * time.Second)
		leads(app.addr)
		if told := w.reasons("catalog"); !slices.Contains(told, "GatewayGone") {
			t.Errorf("events after the gateway was deleted: %v", told)
		}
		w.gateway()
		w.pass(time.Second)
		leads(w.instances(resource.Gateway)[0].addr + "/0.0.0.0_80")
		w.inject("disabled")
		w.pass(5 * time.Second)
		leads(app.addr)
		if n := least(); n < 1 {
			t.Errorf("the address had %d endpoints at worst", n)
		}
		w.state(resource.Gateway, "stopped")
	})
}
