package cart_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

func TestReadsAreCountedByWhetherTheyFoundAnything(t *testing.T) {
	c, s := start(t, rediscarttest.Start(t, "embedded", "").Addr, nil)
	wantMetrics(t, s, `shop_cart_reads_total{result="hit"} 0`, `shop_cart_reads_total{result="miss"} 0`)
	wantCart(t, c, "u")
	mustAdd(t, c, "u", "MUG", 1)
	wantCart(t, c, "u", "MUG 1")
	wantCart(t, c, "u", "MUG 1")
	wantMetrics(t, s, `shop_cart_reads_total{result="hit"} 2`, `shop_cart_reads_total{result="miss"} 1`)
}

func wantMetrics(t *testing.T, s *chassistest.Service, lines ...string) {
	t.Helper()
	resp, err := http.Get("http://" + s.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if !strings.Contains(string(body), l+"\n") {
			t.Errorf("/metrics does not hold %s", l)
		}
	}
}

func TestRedisIsPartOfTheTraceAndUsersAreNot(t *testing.T) {
	const user = "user-that-must-stay-hidden"
	sink := chassistest.NewSink(t)
	c, s := start(t, rediscarttest.Start(t, "embedded", "").Addr, nil, chassistest.WithSink(sink))
	mustAdd(t, c, user, "MUG", 1)
	if _, err := c.GetCart(t.Context(), &hipstershop.GetCartRequest{UserId: user}); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	spans := sink.Wait(t, func(spans []chassistest.Span) bool { return len(spans) >= 4 })
	servers := map[string]chassistest.Span{}
	for _, span := range spans {
		servers[span.ID()] = span
	}
	children := map[string]string{}
	for _, span := range spans {
		if strings.Contains(span.String(), user) {
			t.Errorf("span %s names the user", span.Name)
		}
		if parent, ok := servers[span.Parent()]; ok {
			children[span.Name] = parent.Name
		}
	}
	for child, parent := range map[string]string{
		"hgetall": "hipstershop.CartService/GetCart",
		"redis.pipeline multi hincrby hsetnx expire exec": "hipstershop.CartService/AddItem",
	} {
		if children[child] != parent {
			t.Errorf("span %q has parent %q, want %q; all: %v", child, children[child], parent, children)
		}
	}
}
