// Package email is the emailservice: it writes the confirmation of an order, as text and as HTML, and
// stores it in an outbox that clients can list. If SMTP_ADDR (host:port) is the address of a mail server, the mail is also sent
// there, from the address in SMTP_FROM. An order gets one mail, however often it is confirmed.
//
// With NATS_URL, the address of the bus, it also writes the mail of each order that an event reports to be placed, whether or not
// checkout calls it.
//
// With ONE_MAIL_PER_ORDER=false, an order that is confirmed again gets another mail: what at-least-once delivery does to a consumer
// that remembers nothing.
//
// The outbox is a database in DATA_DIR, which outlives the process and which all replicas share, or in memory without
// such a directory.
package email

import (
	"context"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	o, err := openOutbox(rt.DataDir(), rt.Now, rt.Log())
	if err != nil {
		return err
	}
	rt.Ready("outbox", o.check)
	rt.OnDrain(o.close)
	once, err := rt.EnvBool("ONE_MAIL_PER_ORDER", true)
	if err != nil {
		return err
	}
	s := &server{outbox: o, now: rt.Now, log: rt.Log(), repeats: !once}
	if addr := rt.Env("SMTP_ADDR", ""); addr != "" {
		p, err := newPostman(addr, rt.Env("SMTP_FROM", "orders@shop.example"))
		if err != nil {
			return err
		}
		s.postman = p
	}
	hipstershop.RegisterEmailServiceServer(rt.Server(), s)
	shopv1.RegisterOutboxServer(rt.Server(), outboxServer{outbox: s.outbox})
	return s.subscribe(rt)
}
