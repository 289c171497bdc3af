package check_test

import (
	"context"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

const server = tracepb.Span_SPAN_KIND_SERVER

// Spans of one transaction that ended so long before noon.
func charged(id string, ago time.Duration) span {
	return span{service: "payment", name: "Charge", id: 2, parent: 1, kind: server, ago: ago, attributes: map[string]string{shopv1.AttrAudit: shopv1.AuditCharged, shopv1.AttrTransaction: id}}
}

func refunded(id string, ago time.Duration) span {
	return span{service: "payment", name: "Refund", id: 3, parent: 1, kind: server, ago: ago, attributes: map[string]string{shopv1.AttrAudit: shopv1.AuditRefunded, shopv1.AttrTransaction: id}}
}

// order is checkout's span, with how far the order got: charged, placed or refunded.
func order(ago time.Duration, outcome, id string) span {
	return span{
		service: "checkout", name: "PlaceOrder", id: 1, kind: server, ago: ago,
		attributes: map[string]string{shopv1.AttrAudit: outcome, shopv1.AttrTransaction: id},
	}
}

// audit adds the spans of one trace.
func (s *scene) audit(t *testing.T, trace byte, spans ...span) {
	t.Helper()
	s.add(t, trace, []string{"checkout", "payment"}, spans...)
}

func TestEachChargeIsAnOrderOrARefund(t *testing.T) {
	s := newScene(t)
	s.want(t, "order: {}", probe.Inconclusive, "no card was charged")
	s.audit(t, 1, order(49*time.Second, shopv1.AuditPlaced, "a"), charged("a", 50*time.Second))
	s.audit(t, 2, order(38*time.Second, shopv1.AuditRefunded, "b"), charged("b", 40*time.Second), refunded("b", 39*time.Second))
	s.audit(t, 3, charged("c", time.Second))
	s.want(t, "order: {}", probe.Pass, "3 charges: 1 orders, 1 refunds, 0 lost, 1 under way")
	s.want(t, "order: {refunds: 0}", probe.Fail, "1 refunds")
	s.want(t, "order: {charges: {at_least: 4}}", probe.Fail, "3 charges")
	s.audit(t, 4, charged("d", 30*time.Second))
	s.want(t, "order: {}", probe.Fail, "1 lost")
	s.want(t, "order: {lost: {at_least: 1}}", probe.Pass, "1 lost")
	s.want(t, "order: {window: 20s}", probe.Pass, "1 charges: 0 orders, 0 refunds, 0 lost, 1 under way")
}

func TestOrdersAreDistinguishedWithinOneTrace(t *testing.T) {
	s := newScene(t)
	first, second := charged("a", 30*time.Second), charged("b", 30*time.Second)
	second.id = 4
	s.audit(t, 1, order(29*time.Second, shopv1.AuditPlaced, "b"), first, second)
	s.want(t, "order: {}", probe.Fail, "2 charges: 1 orders, 0 refunds, 1 lost")
	s.audit(t, 2, refunded("a", 5*time.Second))
	s.want(t, "order: {}", probe.Pass, "2 charges: 1 orders, 1 refunds, 0 lost")
}

func TestAKilledServiceHidesNoCharge(t *testing.T) {
	s := newScene(t)
	// Payment was killed before its spans were sent: checkout knows of the charge.
	s.audit(t, 1, order(40*time.Second, shopv1.AuditPlaced, "a"))
	s.want(t, "order: {}", probe.Pass, "1 charges: 1 orders")
	// Checkout was killed before it shipped: payment does.
	s.audit(t, 2, charged("b", 30*time.Second))
	s.want(t, "order: {}", probe.Fail, "2 charges: 1 orders, 0 refunds, 1 lost")
	// Payment refunded and was killed.
	s.audit(t, 3, order(20*time.Second, shopv1.AuditRefunded, "c"))
	s.want(t, "order: {}", probe.Fail, "3 charges: 1 orders, 1 refunds, 1 lost")
	// Payment was killed after the charge, and had forgotten it when it was to be refunded.
	s.audit(t, 4, order(15*time.Second, shopv1.AuditCharged, "d"))
	s.want(t, "order: {}", probe.Fail, "4 charges: 1 orders, 1 refunds, 2 lost")
}

func TestARefundOfAnOldChargeIsNotACharge(t *testing.T) {
	s := newScene(t)
	voided := refunded("older", 10*time.Second)
	voided.name = "Void"
	s.audit(t, 1, refunded("old", 10*time.Second), voided)
	s.want(t, "order: {}", probe.Inconclusive, "no card was charged")
}

func TestNoSpansAreNoProofThatNothingWasCharged(t *testing.T) {
	s := newScene(t)
	const asked = "order: {charges: {at_most: 0}}"
	s.want(t, asked, probe.Inconclusive, "no card was charged")
	s.audit(t, 1, order(10*time.Second, "", ""))
	s.want(t, asked, probe.Pass, "0 charges")
	s.audit(t, 2, charged("a", time.Second))
	s.want(t, asked, probe.Fail, "1 charges")
}

func TestTheChargeThatIsLostDecides(t *testing.T) {
	s := newScene(t)
	s.audit(t, 1, charged("lost", 40*time.Second))
	s.audit(t, 2, charged("sound", 30*time.Second), order(29*time.Second, shopv1.AuditPlaced, "sound"))
	s.audit(t, 3, charged("open", time.Second))
	decided := probe.Evidence{Kind: probe.TraceEvidence, Service: "payment", Trace: "01" + strings.Repeat("0", 30), Span: "0000000000000002"}
	s.wantEvidence(t, "order: {}", decided)
	s.audit(t, 4, refunded("lost", 500*time.Millisecond))
	decided.Trace = "03" + strings.Repeat("0", 30)
	s.wantEvidence(t, "order: {}", decided)
}

// records answer calls as payment, shipping and email do.
type records map[string]string

func (r records) Call(_ context.Context, c probe.Call) (probe.Reply, error) {
	content, known := r[c.Service]
	if !known {
		return probe.Reply{Code: codes.Unavailable, Message: "no connection"}, nil
	}
	return probe.Reply{Response: []byte(content)}, nil
}

func TestTheRecordsOfTheServicesAreComparedWithTheCharges(t *testing.T) {
	const transactions = `{"transactions": [{"transactionId": "a", "idempotencyKey": "o1"}, {"transactionId": "b", "refundId": "r"},
		{"transactionId": "old", "idempotencyKey": "o0"}]}`
	const asked = "order: {records: true}"
	for name, tt := range map[string]struct {
		records  records
		verdict  probe.Verdict
		observed string
	}{
		"all agree": {
			records{"payment": transactions, "shipping": `{"parcels": [{"trackingId": "1", "idempotencyKey": "o1"}, {"trackingId": "2", "idempotencyKey": "o1", "canceled": true}]}`, "email": `{"mails": [{"orderId": "o1"}]}`},
			probe.Pass, "each that stands has one parcel and one mail",
		},
		"no parcel":   {records{"payment": transactions, "shipping": `{}`, "email": `{"mails": [{"orderId": "o1"}]}`}, probe.Fail, "1 without a parcel, 0 without a mail, 0 with two"},
		"no mail":     {records{"payment": transactions, "shipping": `{"parcels": [{"idempotencyKey": "o1"}]}`, "email": `{}`}, probe.Fail, "0 without a parcel, 1 without a mail, 0 with two"},
		"two mails":   {records{"payment": transactions, "shipping": `{"parcels": [{"idempotencyKey": "o1"}]}`, "email": `{"mails": [{"orderId": "o1"}, {"orderId": "o1"}]}`}, probe.Fail, "1 with two of either"},
		"two parcels": {records{"payment": transactions, "shipping": `{"parcels": [{"idempotencyKey": "o1"}, {"idempotencyKey": "o1"}]}`, "email": `{"mails": [{"orderId": "o1"}]}`}, probe.Fail, "1 with two of either"},
		"no answer":   {records{"payment": transactions}, probe.Inconclusive, "read the records of shipping"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.env.Caller = tt.records
			s.audit(t, 1, order(49*time.Second, shopv1.AuditPlaced, "a"), charged("a", 50*time.Second))
			s.audit(t, 2, order(38*time.Second, shopv1.AuditRefunded, "b"), charged("b", 40*time.Second), refunded("b", 39*time.Second))
			s.want(t, asked, tt.verdict, tt.observed)
		})
	}
}

func TestAYoungChargeCountsOnceItHasItsParcelAndItsMail(t *testing.T) {
	const transactions, parcels = `{"transactions": [{"transactionId": "a", "idempotencyKey": "o1"}]}`, `{"parcels": [{"trackingId": "1", "idempotencyKey": "o1"}]}`
	s := newScene(t)
	s.audit(t, 1, order(time.Second, shopv1.AuditPlaced, "a"), charged("a", time.Second))
	s.env.Caller = records{"payment": transactions, "shipping": parcels, "email": `{}`}
	s.want(t, "order: {records: true}", probe.Inconclusive, "the parcel or the mail of 1 may be under way")
	s.want(t, "order: {records: true, orders: 2}", probe.Fail, "1 charges: 1 orders")
	s.env.Caller = records{"payment": transactions, "shipping": parcels, "email": `{"mails": [{"orderId": "o1"}, {"orderId": "o1"}]}`}
	s.want(t, "order: {records: true}", probe.Fail, "1 with two of either")
	s.env.Caller = records{"payment": transactions, "shipping": parcels, "email": `{"mails": [{"orderId": "o1"}]}`}
	s.want(t, "order: {records: true}", probe.Pass, "each that stands has one parcel and one mail")
}
