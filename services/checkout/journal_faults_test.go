package checkout_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/eventually"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
	"github.com/shopctl/shopctl/services/checkout"
)

// ready reports whether the checkout is ready.
func (s *shop) ready(t *testing.T) bool {
	t.Helper()
	resp, err := healthpb.NewHealthClient(s.service.Conn()).Check(t.Context(), &healthpb.HealthCheckRequest{})
	return err == nil && resp.GetStatus() == healthpb.HealthCheckResponse_SERVING
}

// placed places an order with a key, as a customer who calls until it is placed.
func (s *shop) placed(t *testing.T, key string) {
	t.Helper()
	s.fill(&pb.CartItem{ProductId: "MUG", Quantity: 1})
	var err error
	if !eventually.Within(30*time.Second, func() bool { _, err = s.client.PlaceOrder(keyed(t.Context(), key), order()); return err == nil }) {
		t.Fatalf("the order is not placed: %v\n%s", err, s.service.Logs())
	}
}

func TestADamagedJournalIsKeptAndCheckoutGoesOn(t *testing.T) {
	for name, damage := range map[string]func(content []byte) []byte{
		"truncated": func(b []byte) []byte { return b[:len(b)/2+100] },
		"empty":     func([]byte) []byte { return nil },
		"garbled":   func(b []byte) []byte { copy(b[len(b)/3:], bytes.Repeat([]byte("garbage"), len(b)/21)); return b },
		"no header": func(b []byte) []byte { copy(b, "not a database at all"); return b },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openIn(t, dir)
			s.placed(t, "before")
			if err := s.service.Stop(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "orders.db")
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(content), 0o600); err != nil {
				t.Fatal(err)
			}
			s.start(t, nil)
			s.placed(t, "after")
			s.wantCalls(t, "Charge 2 ShipOrder 2 SendOrderConfirmation 2")
			kept, err := filepath.Glob(path + ".corrupt-*")
			if err != nil || (len(kept) == 0) != (name == "empty") {
				t.Errorf("kept %v, %v", kept, err)
			}
			if name != "empty" && !strings.Contains(s.service.Logs(), "the stored orders are unreadable") {
				t.Errorf("the log does not say so:\n%s", s.service.Logs())
			}
		})
	}
}

func TestAJournalOfANewerShopctlIsRefusedAndLeftAsItIs(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	s.placed(t, "k")
	if err := s.service.Stop(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "orders.db")
	conn, err := durable.Connect(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	err = chassis.Run(t.Context(), chassis.Options{
		Name: "checkout", Workload: "checkoutservice", Getenv: func(name string) string { return s.env[name] }, Stdout: io.Discard,
	}, checkout.Setup)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "99") {
		t.Errorf("got %v, want the file and its version", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed: %v", err)
	}
}

// journalOn starts a checkout with a clock whose journal can be given statements.
func journalOn(t *testing.T, now func() time.Time) (s *shop, run func(statement string) error) {
	t.Helper()
	s = prepareShop(t)
	s.env["DATA_DIR"] = t.TempDir()
	s.service = chassistest.Start(t, checkout.OpenSetup(now, func(r func(string) error) { run = r }), s.env, chassistest.WithName("checkoutservice"))
	s.client = pb.NewCheckoutServiceClient(s.service.Conn())
	return s, run
}

func TestNothingIsChargedWhileTheDiskIsFullOrReadOnly(t *testing.T) {
	for name, statements := range map[string][2]string{
		"read-only": {"PRAGMA query_only = 1", "PRAGMA query_only = 0"}, // SQLite's error of a file system that is mounted so
		"full":      {"PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000"},
	} {
		t.Run(name, func(t *testing.T) {
			s, run := journalOn(t, time.Now)
			s.placed(t, "before")
			if err := run(statements[0]); err != nil {
				t.Fatal(err)
			}
			refused := 0
			for n := 0; refused == 0 && n < 200; n++ { // some fit into pages that are there
				s.fill(&pb.CartItem{ProductId: "MUG", Quantity: 1})
				_, err := s.client.PlaceOrder(keyed(t.Context(), strings.Repeat("k", 1+n)), order())
				if status.Code(err) == codes.Unavailable {
					refused++
				}
			}
			if refused == 0 {
				t.Fatal("no order was refused")
			}
			s.mu.Lock()
			charges := len(s.keys)
			s.mu.Unlock()
			if _, err := s.client.PlaceOrder(keyed(t.Context(), "refused"), order()); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "nothing was charged") {
				t.Errorf("got %v", err)
			}
			s.mu.Lock()
			if len(s.keys) != charges {
				t.Error("a card was charged for an order that is not recorded")
			}
			s.mu.Unlock()
			if name == "read-only" { // on a full disk, the smallest write may still fit
				eventually.True(t, "checkout is not ready", func() bool { return !s.ready(t) })
			}
			if err := run(statements[1]); err != nil {
				t.Fatal(err)
			}
			eventually.True(t, "checkout is ready again", func() bool { return s.ready(t) })
			s.placed(t, "refused")
		})
	}
}

// The clock of the journal is set ahead or back by an hour while an order is under way, or after its process was interrupted.
func TestAClockThatJumpsNeitherLosesAnOrderNorDoublesIt(t *testing.T) {
	for name, jump := range map[string]time.Duration{"ahead": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			var offset atomic.Int64
			s, _ := journalOn(t, func() time.Time { return time.Now().Add(time.Duration(offset.Load())) })
			s.mu.Lock()
			s.fault["Charge"] = func(context.Context, int) error { offset.Store(int64(jump)); return nil }
			s.mu.Unlock()
			s.placed(t, "k")
			settled(t, s)
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.paid) != 1 || len(s.back) != 0 || len(s.sent) != 1 {
				t.Errorf("%d charges, %d refunds, %d parcels", len(s.paid), len(s.back), len(s.sent))
			}
		})
	}
}

func TestAnOrderInterruptedBeforeTheClockWasSetBackIsFinished(t *testing.T) {
	s := prepareShop(t)
	s.env["DATA_DIR"] = t.TempDir()
	first := s.startChild(t, "after charge", time.Hour) // its leases end in an hour, by the clock of the next
	if _, err := pb.NewCheckoutServiceClient(first.conn).PlaceOrder(keyed(t.Context(), "k"), order()); err == nil {
		t.Fatal("the order was placed: the process was not killed")
	}
	<-first.dead
	s.start(t, nil)
	settled(t, s)
	orders, problem := shopv1.NewOrdersClient(s.service.Conn()), ""
	if !eventually.Within(20*time.Second, func() bool { problem = s.unbalanced(t.Context(), orders, true); return problem == "" }) {
		t.Error(problem)
	}
}

// settled waits until nothing is left to do for any order.
func settled(t *testing.T, s *shop) {
	t.Helper()
	orders := shopv1.NewOrdersClient(s.service.Conn())
	if !eventually.Within(30*time.Second, func() bool {
		list, err := orders.ListOrders(t.Context(), &shopv1.ListOrdersRequest{Open: true})
		return err == nil && len(list.GetOrders()) == 0
	}) {
		t.Errorf("orders are left:\n%s", s.service.Logs())
	}
}
