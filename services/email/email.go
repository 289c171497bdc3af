// Package email is the emailservice: it writes the confirmation of an order, as text and as HTML, and
// stores it in an outbox that clients can list. If SMTP_ADDR (host:port) is the address of a mail server, the mail is also sent
// there, from the address in SMTP_FROM. An order gets one mail, however often it is confirmed.
//
// The outbox is a file in DATA_DIR, so that it outlives the process, or in memory without such a directory.
package email

import (
	"context"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/idempotent"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	s := &server{outbox: &memoryOutbox{}, confirmed: idempotent.New[struct{}](rememberOrders), now: rt.Now, log: rt.Log()}
	if dir := rt.DataDir(); dir != "" {
		file, orders, err := openOutbox(dir)
		if err != nil {
			return err
		}
		s.outbox = file
		s.confirmed.Remember(struct{}{}, 0, orders...)
		rt.Ready("outbox", func(context.Context) error { return file.check() })
		rt.OnDrain(func(context.Context) error { return file.close() })
	}
	if addr := rt.Env("SMTP_ADDR", ""); addr != "" {
		p, err := newPostman(addr, rt.Env("SMTP_FROM", "orders@shop.example"))
		if err != nil {
			return err
		}
		s.postman = p
	}
	hipstershop.RegisterEmailServiceServer(rt.Server(), s)
	shopv1.RegisterOutboxServer(rt.Server(), outboxServer{outbox: s.outbox})
	return nil
}
