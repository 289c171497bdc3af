package proxy_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/proxy"
	"github.com/shopctl/shopctl/pkg/mesh/translate"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// seen keeps the metadata of the requests that a program gets.
type seen struct{ ch chan metadata.MD }

func (s *seen) program(stream grpc.ServerStream) error {
	md, _ := metadata.FromIncomingContext(stream.Context())
	s.ch <- md
	if md.Get("x-fail") != nil {
		return fails(codes.Unavailable)(stream)
	}
	return echo(stream)
}

func TestWhatACalleeIsSentOfARequest(t *testing.T) {
	route := retries(2, "unavailable")
	route.Timeout = durationpb.New(5 * time.Second)
	route.Headers = &networking.Headers{Request: &networking.Headers_HeaderOperations{
		Set: map[string]string{"x-set": "new"}, Add: map[string]string{"x-add": "more"}, Remove: []string{"x-gone"},
	}}
	b := behavior{route: route}
	s := &seen{make(chan metadata.MD, 8)}
	out, _ := newProxy(t, nil, outbound(t, b.mesh(), false, app(t, s.program)))
	conn := dial(t, out.Listeners()[outer])
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-set", "old", "x-gone", "1", "x-add", "one", "x-fail", "1",
		"x-forwarded-client-cert", "URI=spiffe://cluster.local/ns/shop/sa/admin")
	err := conn.Invoke(ctx, charge, wrapperspb.String("x"), new(wrapperspb.StringValue))
	if status.Code(err) != codes.Unavailable {
		t.Errorf("the call ends with %v", err)
	}
	for i, attempt := range []string{"1", "2", "3"} {
		md := <-s.ch
		for name, want := range map[string]string{
			"x-set": "new", "x-gone": "", "x-add": "one,more", "x-envoy-attempt-count": attempt, "x-forwarded-client-cert": "",
		} {
			if got := strings.Join(md.Get(name), ","); got != want {
				t.Errorf("attempt %d has %s %q", i+1, name, got)
			}
		}
		if md.Get("x-request-id") == nil || md.Get("x-envoy-expected-rq-timeout-ms") == nil {
			t.Errorf("attempt %d has %v", i+1, md)
		}
	}
}

func TestACallersTimeoutIsRewritten(t *testing.T) {
	b := behavior{route: timeout(2*time.Second, &networking.HTTPRoute{})}
	left := make(chan time.Duration, 1)
	out, _ := newProxy(t, nil, outbound(t, b.mesh(), false, app(t, func(s grpc.ServerStream) error {
		deadline, _ := s.Context().Deadline()
		left <- time.Until(deadline)
		return echo(s)
	})))
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if err := dial(t, out.Listeners()[outer]).Invoke(ctx, charge, wrapperspb.String("x"), new(wrapperspb.StringValue)); err != nil {
		t.Fatal(err)
	}
	if d := <-left; d > 2*time.Second {
		t.Errorf("the callee has %s", d)
	}
}

func TestAMirrorGetsACopyAndItsAnswerIsDropped(t *testing.T) {
	m := mesh()
	m.Services[0].Endpoints = nil
	route := &networking.HTTPRoute{
		Route:  []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: "payment"}}},
		Mirror: &networking.Destination{Host: "payment", Subset: "v2"},
	}
	m.VirtualServices = []translate.VirtualService{{Meta: translate.Meta{Name: "p", Namespace: "shop"}, Spec: &networking.VirtualService{
		Hosts: []string{"payment"}, Http: []*networking.HTTPRoute{route},
	}}}
	m.DestinationRules = []translate.DestinationRule{{Meta: translate.Meta{Name: "p", Namespace: "shop"}, Spec: &networking.DestinationRule{
		Host: "payment", Subsets: []*networking.Subset{{Name: "v2"}},
	}}}
	copies := make(chan string, 1)
	first := app(t, echo)
	second := app(t, func(s grpc.ServerStream) error {
		var got wrapperspb.StringValue
		_ = s.RecvMsg(&got)
		copies <- got.GetValue()
		return status.Error(codes.Internal, "the mirror fails")
	})
	r := outbound(t, m, false, first)
	for _, e := range r.Endpoints {
		if strings.Contains(e.GetClusterName(), "|v2|") {
			e.GetEndpoints()[0].GetLbEndpoints()[0].GetEndpoint().Address = socket(second)
		}
	}
	out, log := newProxy(t, nil, r)
	if err := call(t, dial(t, out.Listeners()[outer]), charge); err != nil {
		t.Fatal(err)
	}
	if got := <-copies; got != "hello" {
		t.Errorf("the copy is %q", got)
	}
	if e := log.wait(t, 1); e.Flags != 0 || e.GRPCStatus != "0" {
		t.Errorf("recorded is %+v", e)
	}
}

func TestABodyTooLargeToHoldIsNotSentAgain(t *testing.T) {
	for _, c := range []struct {
		size, attempts int
	}{{1 << 10, 3}, {512 << 10, 3}, {3 << 20, 1}} {
		var reached atomic.Int32
		out, log := newProxy(t, nil, outbound(t, mesh(), false, app(t, func(s grpc.ServerStream) error {
			reached.Add(1)
			return fails(codes.Unavailable)(s)
		})))
		err := dial(t, out.Listeners()[outer]).Invoke(t.Context(), charge, wrapperspb.Bytes(bytes.Repeat([]byte("x"), c.size)), new(wrapperspb.StringValue))
		if status.Code(err) != codes.Unavailable {
			t.Errorf("%d bytes: the call ends with %v", c.size, err)
		}
		if e := log.wait(t, 1); e.Attempts != c.attempts || int(reached.Load()) != c.attempts {
			t.Errorf("%d bytes: %d attempts, %d of which reached the program", c.size, e.Attempts, reached.Load())
		}
	}
}

func TestARetryAvoidsTheHostBefore(t *testing.T) {
	b := behavior{policy: &networking.TrafficPolicy{LoadBalancer: &networking.LoadBalancerSettings{
		LbPolicy: &networking.LoadBalancerSettings_Simple{Simple: networking.LoadBalancerSettings_ROUND_ROBIN}, // others pick by chance
	}}}
	out, log := newProxy(t, nil, outbound(t, b.mesh(), false, closedPort(t), app(t, echo)))
	conn := dial(t, out.Listeners()[outer])
	for i := range 20 {
		if err := call(t, conn, charge); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	if e := log.wait(t, 20); e.Attempts > 2 {
		t.Errorf("recorded is %+v", e)
	}
}

func TestDrainLetsARequestEnd(t *testing.T) {
	for name, keeps := range map[string]bool{"its listener is in force": true, "its listener was taken away": false} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			began := make(chan struct{})
			resources := outbound(t, mesh(), false, app(t, func(s grpc.ServerStream) error {
				close(began)
				<-release
				return echo(s)
			}))
			out, _ := newProxy(t, nil, resources)
			conn := dial(t, out.Listeners()[outer])
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := conn.Invoke(t.Context(), charge, wrapperspb.String("x"), new(wrapperspb.StringValue)); err != nil {
					t.Errorf("the request ends with %v", err)
				}
			})
			<-began
			if !keeps {
				resources = &xds.Resources{}
			}
			if err := out.Update(resources); err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				eventually.True(t, "the proxy drains", func() bool { return out.Update(resources) != nil })
				close(release)
			})
			out.Drain(t.Context())
			wg.Wait()
		})
	}
}

func TestPathTricksDoNotPassAPolicy(t *testing.T) {
	m := webMesh(nil)
	m.AuthorizationPolicies = []translate.AuthorizationPolicy{{
		Meta: translate.Meta{Name: "admin", Namespace: "shop"},
		Spec: &security.AuthorizationPolicy{Action: security.AuthorizationPolicy_DENY, Rules: []*security.Rule{{
			To: []*security.Rule_To{{Operation: &security.Operation{Paths: []string{"/admin*"}}}},
		}}},
	}}
	r := inbound(t, m, website(t))
	r.Clusters[0].TypedExtensionProtocolOptions = nil
	in, log := newProxy(t, nil, r)
	c := web(t)
	n := 0
	for path, want := range map[string]int{
		"/admin": 403, "/x/../admin": 403, "/./admin": 403, "/%61dmin": 403, "/x/%2e%2e/admin": 403, `/x\..\admin`: 403, "/admin?x": 403,
		"/admin;x": 403, "/public": 200, "/Admin": 200, "/x%2fadmin": 200,
	} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+in.Listeners()["inbound_50051"], nil)
		if err != nil {
			t.Fatal(err)
		}
		request.URL.Opaque = path
		response, err := c.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		n++
		if e := log.wait(t, n); response.StatusCode != want || want == 403 && e.Details != "rbac_access_denied_matched_policy[ns[shop]-policy[admin]-rule[0]]" {
			t.Errorf("%s: the answer is %d %q, %s", path, response.StatusCode, body, e.Details)
		}
	}
}

func TestTheControlPlanesResourcesArePutInForce(t *testing.T) {
	m := mesh()
	m.Services = append(m.Services, translate.Service{
		Name: "redis", Namespace: "shop", Ports: []translate.Port{{Number: 6379, TargetPort: 6379, Protocol: translate.TCP}},
	})
	mtls(m, security.PeerAuthentication_MutualTLS_STRICT)
	allowPrincipal(m, "cluster.local/ns/shop/sa/checkout")
	node := control.Node{ID: control.NodeID("shop", "payment-1"), Namespace: "shop", Pod: "payment-1", ServiceAccount: "payment"}
	resources := control.Sidecar(m, node, []control.AppPort{
		{Port: m.Services[0].Ports[0], Address: "127.0.0.1", Local: 1}, {Port: m.Services[1].Ports[0], Address: "127.0.0.1", Local: 2},
	})
	p := proxy.New(proxy.Options{})
	defer p.Drain(t.Context())
	if err := p.Update(resources); err != nil {
		t.Fatal(err)
	}
	before := p.Listeners()
	if len(before) != len(resources.Listeners) {
		t.Errorf("the listeners are %v", before)
	}
	bad := *resources
	bad.Clusters = append(bad.Clusters[:len(bad.Clusters):len(bad.Clusters)], proto.CloneOf(bad.Clusters[0]))
	if p.Update(&bad) == nil {
		t.Error("a cluster that is there twice is put in force")
	}
}
