// Command smallcheckout is a checkout that is not built on the chassis: a saga in three short files, on trial in tests. It has one
// replica, and keeps its journal in a file.
//
// Its configuration is that of the built-in checkout, and CHECKOUT_JOURNAL, the path of the journal. CHECKOUT_MISTAKE makes it
// wrong in one of three ways: see mistake.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// mistake is what is wrong on purpose.
type mistake string

const (
	// noCompensation: a charge is not returned.
	noCompensation mistake = "no-compensation"
	// notIdempotent: the charge has no idempotency-key.
	notIdempotent mistake = "not-idempotent"
	// commitFirst: the order is recorded as complete before its mail is sent.
	commitFirst mistake = "commit-before-publish"
)

// settleEvery is how often orders are taken up that were left.
const settleEvery = 300 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "smallcheckout:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, variable func(string) string) error {
	s := &server{wrong: mistake(variable("CHECKOUT_MISTAKE")), busy: map[string]bool{}}
	if err := s.dial(variable); err != nil {
		return err
	}
	var err error
	if s.journal, err = openJournal(variable("CHECKOUT_JOURNAL")); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+variable("PORT"))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	g := grpc.NewServer()
	hipstershop.RegisterCheckoutServiceServer(g, s)
	healthpb.RegisterHealthServer(g, health.NewServer())
	go s.settle(ctx)
	go func() {
		<-ctx.Done()
		g.GracefulStop()
	}()
	return errors.Join(g.Serve(l), s.journal.file.Close())
}

func (s *server) dial(variable func(string) string) error {
	conns := map[string]*grpc.ClientConn{}
	const cart, catalog, currency = "CART_SERVICE_ADDR", "PRODUCT_CATALOG_SERVICE_ADDR", "CURRENCY_SERVICE_ADDR"
	const shipping, payment, email = "SHIPPING_SERVICE_ADDR", "PAYMENT_SERVICE_ADDR", "EMAIL_SERVICE_ADDR"
	for _, name := range []string{cart, catalog, currency, shipping, payment, email} {
		addr := variable(name)
		conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return fmt.Errorf("connect to %s=%q: %w", name, addr, err)
		}
		conns[name] = conn
	}
	s.cart, s.catalog = hipstershop.NewCartServiceClient(conns[cart]), hipstershop.NewProductCatalogServiceClient(conns[catalog])
	s.currency, s.email = hipstershop.NewCurrencyServiceClient(conns[currency]), hipstershop.NewEmailServiceClient(conns[email])
	s.shipping, s.shipments = hipstershop.NewShippingServiceClient(conns[shipping]), shopv1.NewShipmentsClient(conns[shipping])
	s.payment, s.refunds = hipstershop.NewPaymentServiceClient(conns[payment]), shopv1.NewRefundsClient(conns[payment])
	return nil
}
