package control_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

const deployments = `apiVersion: apps/v1
kind: Deployment
metadata: {name: paymentservice}
spec:
  selector: {matchLabels: {app: paymentservice}}
  template:
    metadata: {labels: {app: paymentservice}}
    spec: {containers: [{name: server, image: payment}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkoutservice}
spec:
  selector: {matchLabels: {app: checkoutservice}}
  template:
    metadata: {labels: {app: checkoutservice}}
    spec: {containers: [{name: server, image: checkout}]}
`

var checkout = control.Node{
	ID: control.NodeID("production", "checkout-1"), Namespace: "production", Pod: "checkout-1", ServiceAccount: "checkoutservice",
	Labels: map[string]string{"app": "checkoutservice"},
}

func key(name string) orchestrator.Key { return orchestrator.Key{Namespace: "production", Name: name} }

// running is a control plane with the sidecars of payment and checkout.
func running(t *testing.T) (*control.Plane, *store.Store) {
	t.Helper()
	objects := openStore(t)
	apply(t, objects, deployments)
	watched := &observer{newer: make(chan struct{}), state: orchestrator.Snapshot{
		Workloads: []orchestrator.Workload{
			{Key: key("paymentservice"), Instances: []orchestrator.Instance{{Name: "payment-1"}}},
			{Key: key("checkoutservice"), Instances: []orchestrator.Instance{{Name: "checkout-1"}}},
		},
		Endpoints: []orchestrator.Endpoint{endpoint},
	}}
	plane := control.New(control.Config{
		Objects: objects, Observer: watched, Server: &server{set: map[string]*xds.Resources{}}, Now: time.Now, Report: func(err error) { t.Error(err) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	var runs sync.WaitGroup
	runs.Go(func() { plane.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		runs.Wait()
	})
	plane.Register(payment)
	plane.Register(checkout)
	eventually.True(t, "the sidecars have resources", func() bool { return held(plane, payment) != "" && held(plane, checkout) != "" })
	return plane, objects
}

// held is the routes and listeners of a sidecar, as JSON without spaces.
func held(plane *control.Plane, node control.Node) string {
	r := plane.Resources(node.ID)
	if r == nil {
		return ""
	}
	var b strings.Builder
	for _, m := range r.Routes {
		b.WriteString(protojson.Format(m))
	}
	for _, m := range r.Listeners {
		b.WriteString(protojson.Format(m))
	}
	return strings.ReplaceAll(b.String(), " ", "")
}

func TestAFaultOfACallerIsInItsSidecarAloneAndNotInTheStore(t *testing.T) {
	plane, objects := running(t)
	before, elsewhere := held(plane, checkout), held(plane, payment)
	revision := objects.Snapshot().Revision()
	since := time.Unix(1_700_000_000, 0)
	plane.SetFaults([]control.Fault{{ID: "f1", Since: since, Percent: 50, Code: codes.Unavailable, Callee: key("paymentservice"), Caller: key("checkoutservice")}})
	broken := held(plane, checkout)
	for _, want := range []string{`"grpcStatus":14`, `"numerator":500000`, `"rule":"fault:f1"`, `"name":"fault-f1"`} {
		if !strings.Contains(broken, want) {
			t.Errorf("the caller's sidecar has no %s", want)
		}
	}
	if got := held(plane, payment); strings.Contains(got, "grpcStatus") {
		t.Error("the fault is in another sidecar, too")
	}
	shown := plane.Overlays()
	if len(shown) != 1 || shown[0].GetName() != "paymentservice" || shown[0].GetAnnotations()[resource.InjectedFaultsAnnotation] != "f1" || !shown[0].GetCreationTimestamp().Time.Equal(since) {
		t.Errorf("shown: %v", shown)
	}
	if objects.Snapshot().Revision() != revision || len(objects.Snapshot().List(resource.KindVirtualService, "")) > 0 {
		t.Error("something was stored")
	}
	plane.SetFaults(nil)
	if held(plane, checkout) != before || held(plane, payment) != elsewhere || len(plane.Overlays()) > 0 {
		t.Error("the fault has left something behind")
	}
}

func TestAnObjectThatIsAppliedDuringAFaultHoldsWithItAndAfterIt(t *testing.T) {
	plane, objects := running(t)
	plane.SetFaults([]control.Fault{{ID: "f1", Percent: 100, Delay: time.Second, Callee: key("paymentservice")}})
	apply(t, objects, canary)
	eventually.True(t, "the user's timeout holds", func() bool { return strings.Contains(held(plane, checkout), `"timeout":"2s"`) })
	if got := held(plane, checkout); !strings.Contains(got, `"fixedDelay":"1s"`) {
		t.Errorf("the sidecar holds %s", got)
	}
	shown, err := json.Marshal(plane.Overlays()[0])
	if err != nil || !strings.Contains(string(shown), `"name":"payment"`) || !strings.Contains(string(shown), `"timeout":"2s"`) {
		t.Errorf("shown: %s, %v", shown, err)
	}
	plane.SetFaults(nil)
	if got := held(plane, checkout); strings.Contains(got, "fixedDelay") || !strings.Contains(got, `"timeout":"2s"`) {
		t.Errorf("after the fault the sidecar holds %s", got)
	}
}

func TestAFaultOfTheCalleeIsInItsOwnSidecarForTheRequestsThatItMeans(t *testing.T) {
	plane, _ := running(t)
	callers := held(plane, checkout)
	plane.SetFaults([]control.Fault{{
		ID: "f1", Percent: 100, Code: codes.Internal, Path: control.Path{Suffix: "/Charge"}, Callee: key("paymentservice"), Inbound: true,
	}})
	got := held(plane, payment)
	for _, want := range []string{`"grpcStatus":13`, `"regex":".*/Charge"`, `envoy.filters.http.fault`} {
		if !strings.Contains(got, want) {
			t.Errorf("the callee's sidecar has no %s", want)
		}
	}
	for _, l := range plane.Resources(payment.ID).Listeners {
		if err := l.ValidateAll(); err != nil {
			t.Error(err)
		}
	}
	if held(plane, checkout) != callers || len(plane.Overlays()) > 0 {
		t.Error("callers have it, too")
	}
}

func TestAModuleIsBrokenByTheNameOfItsService(t *testing.T) {
	plane, _ := running(t)
	fault := control.Fault{ID: "f1", Percent: 100, Code: codes.Internal, Callee: key("paymentservice"), Service: "another"}
	plane.SetFaults([]control.Fault{fault})
	if len(plane.Overlays()) > 0 {
		t.Error("another Service of the workload is broken")
	}
	fault.Service = "paymentservice"
	plane.SetFaults([]control.Fault{fault})
	if len(plane.Overlays()) != 1 {
		t.Error("the Service is not broken")
	}
}

func TestCallersOfHTTPGetAStatusOfHTTP(t *testing.T) {
	plane, objects := running(t)
	apply(t, objects, strings.Replace(services[:strings.Index(services, "---")], "name: grpc", "name: http", 1))
	plane.SetFaults([]control.Fault{{ID: "f1", Percent: 100, Code: codes.Unavailable, Callee: key("paymentservice")}})
	eventually.True(t, "the status is one of HTTP", func() bool { return strings.Contains(held(plane, checkout), `"httpStatus":503`) })
}

func TestAPortOfAMonolithTakesBothVersionsOfHTTP(t *testing.T) {
	objects := openStore(t)
	apply(t, objects, `apiVersion: v1
kind: Service
metadata: {name: frontend}
spec:
  selector: {app: paymentservice}
  ports: [{name: http, port: 80, targetPort: api}]
`)
	web := endpoint
	web.Service.Name, web.ServicePort = "frontend", 80
	for _, all := range [][]orchestrator.Endpoint{{endpoint, web}, {web, endpoint}} {
		m := control.Mesh(objects.Snapshot(), all, nil)
		ports := control.AppPorts(m, all, "production", "payment-1")
		if len(ports) != 1 || !ports[0].Mixed {
			t.Fatalf("ports %+v", ports)
		}
		for _, c := range control.Sidecar(m, payment, ports).Clusters {
			if c.GetName() != "inbound|8443||" {
				continue
			}
			if err := c.ValidateAll(); err != nil || !strings.Contains(protojson.Format(c), "useDownstreamProtocolConfig") {
				t.Errorf("%v in %s", err, protojson.Format(c))
			}
		}
	}
	if ports := control.AppPorts(control.Mesh(objects.Snapshot(), []orchestrator.Endpoint{endpoint}, nil), []orchestrator.Endpoint{endpoint}, "production", "payment-1"); ports[0].Mixed {
		t.Error("one Service alone is mixed")
	}
}
