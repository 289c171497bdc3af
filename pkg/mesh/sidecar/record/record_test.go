package record_test

import (
	"bytes"
	"context"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func entry() *record.Entry {
	e := &record.Entry{
		Start: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), Duration: 12 * time.Millisecond, Method: "POST", Path: "/shop.Payment/Charge",
		Protocol: "HTTP/2", Authority: "payment:50051", RequestID: "id", Status: 200, GRPC: true, GRPCStatus: "14",
		Flags: record.UF | record.URX, Details: "a b", TransportFailure: `refused "x"`, BytesReceived: 1, BytesSent: 2,
		Cluster: "outbound|50051|v2|payment.shop.svc.cluster.local", UpstreamHost: "127.0.0.1:1", DownstreamLocal: "127.0.0.1:2",
		DownstreamRemote: "127.0.0.1:3", Route: "default", Attempts: 3, MutualTLS: true, Config: "/vs", Rule: "spec.http[2]",
	}
	e.Span.Read(parent)
	return e
}

func TestALineHasTheColumnsOfIstio(t *testing.T) {
	want := `[2026-01-02T03:04:05.006Z] "POST /shop.Payment/Charge HTTP/2" 200 UF,URX a_b - "refused \"x\"" 1 2 12 - "-" "-" "id" ` +
		`"payment:50051" "127.0.0.1:1" outbound|50051|v2|payment.shop.svc.cluster.local - 127.0.0.1:2 127.0.0.1:3 - default` + "\n"
	if got := string(entry().Append(nil)); got != want {
		t.Errorf("the line is\n%s, not\n%s", got, want)
	}
	e := entry()
	e.Path, e.UserAgent, e.ServerName = "/\n", "a\" \"b\n", "x\ny"
	if got := string(e.Append(nil)); strings.Count(got, "\n") != 1 {
		t.Errorf("a caller has begun a line of its own: %s", got)
	}
	e = entry()
	e.Path, e.UserAgent, e.ServerName, e.Route = `/\"`, "\x7fü\xff", "a\"ü \x7f", "\xff"
	got := string(e.Append(nil))
	for _, column := range []string{
		strconv.Quote("POST " + e.Path + " HTTP/2"), strconv.Quote(e.UserAgent), ` a"ü__ ` + "\uFFFD\n",
	} {
		if !strings.Contains(got, column) {
			t.Errorf("the line has no %s: %s", column, got)
		}
	}
}

func TestTheLogIsWrittenToItsEnd(t *testing.T) {
	var b bytes.Buffer
	l := record.NewLog(&b)
	ctx, cancel := context.WithCancel(t.Context())
	l.Record(entry())
	l.Record(entry())
	cancel()
	l.Run(ctx)
	if n := strings.Count(b.String(), "\n"); n != 2 || l.Dropped() != 0 {
		t.Errorf("there are %d lines", n)
	}
}

func TestRequestsCountUnderIstiosNames(t *testing.T) {
	m := record.NewMetrics("checkout", "shop", "v1")
	m.Record(entry())
	m.Record(&record.Entry{}) // a connection
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range families {
		if f.GetName() != "istio_requests_total" {
			continue
		}
		if len(f.GetMetric()) != 1 || f.GetMetric()[0].GetCounter().GetValue() != 1 {
			t.Errorf("there are %v", f.GetMetric())
		}
		for _, l := range f.GetMetric()[0].GetLabel() {
			got[l.GetName()] = l.GetValue()
		}
	}
	want := map[string]string{
		"reporter": "source", "source_workload": "checkout", "source_principal": "unknown", "destination_service": "payment.shop.svc.cluster.local",
		"destination_service_name": "payment", "destination_version": "v2", "request_protocol": "grpc", "response_code": "200",
		"grpc_response_status": "14", "response_flags": "UF,URX", "connection_security_policy": "mutual_tls",
	}
	if !maps.Equal(got, want) {
		t.Errorf("the labels are %v", got)
	}
}

func TestConnectionsCountUnderIstiosNames(t *testing.T) {
	m := record.NewMetrics("cart", "shop", "v1")
	e := &record.Entry{Protocol: "-", Cluster: "outbound|6379||redis.shop.svc.cluster.local", UpstreamHost: "127.0.0.1:1", MutualTLS: true, BytesSent: 7, BytesReceived: 3}
	m.Opened(e)
	m.Opened(e)
	m.Record(e)
	denied := &record.Entry{Protocol: "-", Inbound: true, Cluster: "inbound|6379||", Details: "rbac_access_denied_matched_policy[none]", Principal: "spiffe://cluster.local/ns/shop/sa/email"}
	m.Opened(denied)
	m.Record(denied)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, one := range f.GetMetric() {
			for _, l := range one.GetLabel() {
				if l.GetName() == "source_workload" || l.GetName() == "source_principal" {
					got[f.GetName()+" "+l.GetValue()] = one.GetCounter().GetValue()
				}
			}
		}
	}
	want := map[string]float64{
		"istio_tcp_connections_opened_total cart": 2, "istio_tcp_connections_closed_total cart": 1, "istio_tcp_sent_bytes_total cart": 7, "istio_tcp_received_bytes_total cart": 3,
		"istio_tcp_connections_opened_total email": 1, "istio_tcp_connections_closed_total email": 1, "istio_tcp_sent_bytes_total email": 0, "istio_tcp_received_bytes_total email": 0,
		"envoy_tcp_rbac_denied spiffe://cluster.local/ns/shop/sa/email": 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("counted are %v", got)
	}
}

func TestRetriesVersionsAndDenialsAreCounted(t *testing.T) {
	m := record.NewMetrics("payment", "shop", "v1")
	e := entry()
	e.Version = "v3"
	m.Record(e)
	unsent := entry()
	unsent.MutualTLS, unsent.Attempts = false, 0
	m.Record(unsent)
	for _, details := range []string{"rbac_access_denied_matched_policy[none]", "jwt_authn_access_denied{Jwt_is_expired}", "via_upstream"} {
		m.Record(&record.Entry{Inbound: true, Method: "POST", Details: details, Principal: "spiffe://cluster.local/ns/shop/sa/checkout", Attempts: 2})
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, one := range f.GetMetric() {
			for _, l := range one.GetLabel() {
				got[f.GetName()+" "+l.GetName()+"="+l.GetValue()] += one.GetCounter().GetValue()
			}
		}
	}
	for key, want := range map[string]float64{
		"envoy_cluster_upstream_rq_retry cluster_name=outbound|50051|v2|payment.shop.svc.cluster.local": 2,
		"envoy_http_rbac_denied source_principal=spiffe://cluster.local/ns/shop/sa/checkout":            1,
		"envoy_http_jwt_authn_denied source_principal=spiffe://cluster.local/ns/shop/sa/checkout":       1,
		"istio_requests_total destination_version=v3":                                                   1,
		"istio_requests_total connection_security_policy=unknown":                                       1,
		"istio_requests_total reporter=destination":                                                     3,
	} {
		if got[key] != want {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
}

func TestATraceparentThatIsNotValidMakesNoSpan(t *testing.T) {
	var s record.SpanContext
	for _, bad := range []string{
		"", "00-x", "ff" + parent[2:], strings.Replace(parent, "0af7", "zzzz", 1), "00-" + strings.Repeat("0", 32) + parent[35:],
	} {
		if s.Read(bad) {
			t.Errorf("%q is read", bad)
		}
	}
	if !s.Read(parent) || !s.Sampled || !strings.HasPrefix(s.String(), parent[:36]) || s.String() == parent {
		t.Errorf("the span's own is %s", s.String())
	}
}
