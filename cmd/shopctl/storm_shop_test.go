package main_test

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// stormShop is a shop in directories of its own.
type stormShop struct {
	env     []string
	state   string
	clients atomic.Pointer[clients]
}

// clients are those of services, whose addresses stay until the daemon is started again.
type clients struct {
	cart     pb.CartServiceClient
	checkout pb.CheckoutServiceClient
	refunds  shopv1.RefundsClient
}

func startStormShop(t *testing.T) *stormShop {
	t.Helper()
	dir := t.TempDir()
	s := &stormShop{state: filepath.Join(dir, "state")}
	s.env = append(os.Environ(), "HOME="+dir, "SHOPCTL_RUN_DIR="+filepath.Join(dir, "run"), "SHOPCTL_STATE_DIR="+s.state, "SHOPCTL_RANDOM_PORTS=1", "CI=true", "TERM=dumb")
	t.Cleanup(func() { s.run(t, "down", "--now", "-q") })
	s.run(t, "up", "-q")
	return s
}

func (s *stormShop) run(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(filepath.Join(binary.dir, "shopctl"), args...)
	cmd.Env = s.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("shopctl %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// process is one instance of a service.
type process struct {
	service string
	pid     int
}

type stormStatus struct {
	Services []struct {
		Name, Address string
		Instances     []struct {
			PID   int
			State string
		}
	}
}

func (s *stormShop) status(t *testing.T) (st stormStatus) {
	t.Helper()
	if err := json.Unmarshal(s.run(t, "ps", "-o", "json"), &st); err != nil {
		t.Fatal(err)
	}
	return st
}

// instances are those that are ready.
func (s *stormShop) instances(t *testing.T) (all []process) {
	t.Helper()
	for _, service := range s.status(t).Services {
		for _, i := range service.Instances {
			if i.PID > 0 && i.State == "ready" {
				all = append(all, process{service.Name, i.PID})
			}
		}
	}
	return all
}

// connect dials the addresses of services, which stay when their instances are killed.
func (s *stormShop) connect(t *testing.T) {
	t.Helper()
	conns := map[string]*grpc.ClientConn{}
	for _, service := range s.status(t).Services {
		conn, err := grpc.NewClient(service.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		conns[service.Name] = conn
	}
	s.clients.Store(&clients{pb.NewCartServiceClient(conns["cart"]), pb.NewCheckoutServiceClient(conns["checkout"]), shopv1.NewRefundsClient(conns["payment"])})
}

// books are what the services have recorded.
type books struct {
	charges      []string // that stand: their amounts, sorted
	refunds      int
	parcels      map[string]string // tracking ids by order
	mails        []string          // orders
	open, placed int               // purchases
	err          error
}

func (s *stormShop) books(t *testing.T) books {
	t.Helper()
	b := books{parcels: map[string]string{}}
	for after, more := "", true; more && b.err == nil; {
		list, err := s.clients.Load().refunds.ListTransactions(t.Context(), &shopv1.ListTransactionsRequest{After: after})
		for _, c := range list.GetTransactions() {
			if after = c.GetTransactionId(); c.GetRefundId() != "" {
				b.refunds++
			} else {
				b.charges = append(b.charges, money.Decimal(c.GetAmount()))
			}
		}
		b.err, more = err, list.GetMore()
	}
	slices.Sort(b.charges)
	s.read(t, &b, "shippingservice/parcels.db", "SELECT key, tracking_id FROM parcel WHERE canceled IS NULL", func(row []driver.Value) {
		id, _, _ := strings.Cut(row[0].(string), "/") // a key is the order's id, and a number after an attempt that failed
		if b.parcels[id] != "" && b.err == nil {
			b.err = fmt.Errorf("order %s has two parcels", id)
		}
		b.parcels[id] = row[1].(string)
	})
	s.read(t, &b, "emailservice/outbox.db", "SELECT order_id FROM mail WHERE sent = 1", func(row []driver.Value) { b.mails = append(b.mails, row[0].(string)) })
	s.read(t, &b, "checkoutservice/orders.db", "SELECT state, due IS NOT NULL OR state = 6 FROM purchase", func(row []driver.Value) {
		if row[0].(int64) == 4 {
			b.placed++
		}
		b.open += int(row[1].(int64))
	})
	return b
}

// read reads the database of a service.
func (s *stormShop) read(t *testing.T, b *books, file, query string, use func(row []driver.Value)) {
	t.Helper()
	conn, err := durable.Connect(filepath.Join(s.state, "default", "data", "production", file), false)
	if err == nil {
		err = conn.Query(func(row []driver.Value) error { use(row); return nil }, query)
	}
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("read %s: %w", file, err)
	}
	if conn != nil {
		_ = conn.Close()
	}
}

// balance returns what is wrong in the books; empty if they are right.
func (b books) balance(orders []acknowledged) string {
	if b.err != nil {
		return b.err.Error()
	}
	var amounts []string
	ids := map[string]bool{}
	for _, o := range orders {
		amounts = append(amounts, o.total)
		switch {
		case ids[o.id]:
			return "two customers have order " + o.id
		case b.parcels[o.id] != o.tracking:
			return fmt.Sprintf("order %s has parcel %q, its customer was told %q", o.id, b.parcels[o.id], o.tracking)
		case !slices.Contains(b.mails, o.id):
			return "order " + o.id + " has no mail"
		}
		ids[o.id] = true
	}
	slices.Sort(amounts)
	switch {
	case !slices.Equal(amounts, b.charges):
		return fmt.Sprintf("%d orders were acknowledged, %d charges stand; %s", len(amounts), len(b.charges), firstDifference(amounts, b.charges))
	case len(b.parcels) != len(orders), len(b.mails) != len(orders), b.placed != len(orders):
		return fmt.Sprintf("%d orders, %d recorded as placed, %d parcels, %d mails", len(orders), b.placed, len(b.parcels), len(b.mails))
	case b.open > 0:
		return fmt.Sprintf("%d orders are not settled", b.open)
	}
	return ""
}

func firstDifference(want, got []string) string {
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			return "first " + want[i] + " and " + got[i]
		}
	}
	return "the rest is equal"
}
