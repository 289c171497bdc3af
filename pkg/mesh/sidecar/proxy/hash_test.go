package proxy_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
)

// hashing is a policy by which equal keys meet the same endpoint.
func hashing(key *networking.LoadBalancerSettings_ConsistentHashLB) *networking.TrafficPolicy {
	return &networking.TrafficPolicy{LoadBalancer: &networking.LoadBalancerSettings{
		LbPolicy: &networking.LoadBalancerSettings_ConsistentHash{ConsistentHash: key},
	}}
}

// spread calls a program with four instances 16 times, with fields that may differ, and returns how many instances were
// called, and the cookie that the first response sets.
func spread(t *testing.T, policy *networking.TrafficPolicy, fields func(i int, cookie string) []string) (instances int, cookie string) {
	t.Helper()
	var reached [4]atomic.Int32
	var addresses []string
	for i := range reached {
		addresses = append(addresses, app(t, func(s grpc.ServerStream) error {
			reached[i].Add(1)
			return echo(s)
		}))
	}
	out, _ := newProxy(t, nil, outbound(t, (&behavior{policy: policy}).mesh(), false, addresses...))
	for i := range 16 {
		conn := dial(t, out.Listeners()[outer]) // another connection each time
		ctx := metadata.AppendToOutgoingContext(t.Context(), fields(i, cookie)...)
		var header metadata.MD
		if err := conn.Invoke(ctx, charge, wrapperspb.String("x"), new(wrapperspb.StringValue), grpc.Header(&header)); err != nil {
			t.Fatal(err)
		}
		set := strings.Join(header.Get("set-cookie"), "")
		if i == 0 {
			cookie = set
		} else if cookie != "" && set != "" {
			t.Errorf("a caller with the cookie gets another: %s", set)
		}
	}
	for i := range reached {
		if reached[i].Load() > 0 {
			instances++
		}
	}
	return instances, cookie
}

func TestConsistentHashHTTPHeaderName(t *testing.T) {
	key := &networking.LoadBalancerSettings_ConsistentHashLB{
		HashKey: &networking.LoadBalancerSettings_ConsistentHashLB_HttpHeaderName{HttpHeaderName: "X-User"},
	}
	if n, _ := spread(t, hashing(key), func(int, string) []string { return []string{"x-user", "alice"} }); n != 1 {
		t.Errorf("one user meets %d instances", n)
	}
	if n, _ := spread(t, hashing(key), func(i int, _ string) []string { return []string{"x-user", strings.Repeat("u", i+1)} }); n < 2 {
		t.Errorf("16 users meet %d instances", n)
	}
}

func TestConsistentHashUseSourceIP(t *testing.T) {
	key := &networking.LoadBalancerSettings_ConsistentHashLB{HashKey: &networking.LoadBalancerSettings_ConsistentHashLB_UseSourceIp{UseSourceIp: true}}
	if n, _ := spread(t, hashing(key), func(int, string) []string { return nil }); n != 1 {
		t.Errorf("one address meets %d instances", n)
	}
}

func TestConsistentHashHTTPCookieSetsTheCookie(t *testing.T) {
	key := &networking.LoadBalancerSettings_ConsistentHashLB{HashKey: &networking.LoadBalancerSettings_ConsistentHashLB_HttpCookie{
		HttpCookie: &networking.LoadBalancerSettings_ConsistentHashLB_HTTPCookie{Name: "seat", Path: "/", Ttl: durationpb.New(time.Minute)},
	}}
	n, cookie := spread(t, hashing(key), func(_ int, cookie string) []string {
		value, _, _ := strings.Cut(cookie, ";")
		return []string{"cookie", value}
	})
	if n != 1 || !strings.HasPrefix(cookie, `seat="`) || !strings.HasSuffix(cookie, "; Max-Age=60; Path=/; HttpOnly") {
		t.Errorf("one caller meets %d instances, and gets %s", n, cookie)
	}
}
