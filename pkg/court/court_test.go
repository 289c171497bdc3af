package court

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

func TestTheVerdictNamesTheInvariantThatDoesNotHold(t *testing.T) {
	placed := Facts{Charged: []string{"5.00 EUR"}, Parcels: 1, Mails: 1, Told: true, State: "COMPLETED"}
	with := func(change func(*Facts)) Facts {
		f := placed
		change(&f)
		return f
	}
	for want, f := range map[string]Facts{
		"":                placed,
		"charged 2 times": with(func(f *Facts) { f.Charged = []string{"5.00 EUR", "5.00 EUR"} }),
		"charged 5.00 EUR and not shipped: the money is lost": with(func(f *Facts) { f.Parcels, f.Mails, f.Told = 0, 0, false }),
		"shipped and not charged":                             with(func(f *Facts) { f.Charged = nil }),
		"2 parcels":                                           with(func(f *Facts) { f.Parcels = 2 }),
		"charged 6.00 EUR, the order is 5.00 EUR":             with(func(f *Facts) { f.Charged = []string{"6.00 EUR"} }),
		"the customer got an order that does not exist":       {Told: true},
		"2 mails": with(func(f *Facts) { f.Mails = 2 }),
		"no mail": with(func(f *Facts) { f.Mails = 0 }),
		"a mail about an order that does not exist": {Mails: 1},
		"placed, and still in the cart":             with(func(f *Facts) { f.InCart = true }),
		"not ended: IN_DOUBT":                       {State: "IN_DOUBT"},
		"placed, and FAILED in the journal":         with(func(f *Facts) { f.State = "FAILED" }),
	} {
		if got := f.Wrong("5.00 EUR"); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
	for _, right := range []Facts{{}, {State: "FAILED", InCart: true, Refunded: 1}, with(func(f *Facts) { f.State, f.Told, f.Refunded = "", false, 2 })} {
		if got := right.Wrong("5.00 EUR"); got != "" {
			t.Errorf("%+v: %q, but nothing is wrong", right, got)
		}
	}
}

func TestEachCellIsAnotherOne(t *testing.T) {
	rows := Rows("checkout", true)
	seen, marks := map[string]bool{}, map[mark]bool{}
	cells := 0
	for _, row := range rows {
		if seen[row.String()] {
			t.Errorf("the row %q is there twice", row)
		}
		seen[row.String()] = true
		for _, column := range Columns() {
			if !row.Tried(column) {
				continue
			}
			o := newOrder("run", cells, row, column)
			cells++
			for _, m := range append(o.marks(), mark{"last four", o.lastFour}, mark{"digest", o.digest()}, mark{"trace", o.trace}) {
				if m.value == "" || marks[m] {
					t.Errorf("%s is not of one order only", m)
				}
				marks[m] = true
			}
		}
	}
	outside := Rows("checkout", false)
	for _, row := range outside {
		if row.inside() {
			t.Errorf("%q needs a point inside of the checkout", row)
		}
	}
	if cells < 200 || len(outside) >= len(rows) || len(outside) < 35 {
		t.Errorf("%d cells, %d rows, %d of them for any program", cells, len(rows), len(outside))
	}
}

// wire encodes a message, as a service sends it to its director.
func wire(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func charge(t *testing.T, o *order, point string) lifeline.Moment {
	t.Helper()
	return lifeline.Moment{
		Method: hipstershop.PaymentService_Charge_FullMethodName, Point: point, Key: "key of the charge",
		Request: wire(t, &hipstershop.ChargeRequest{CreditCard: o.request().GetCreditCard()}), Response: wire(t, &hipstershop.ChargeResponse{TransactionId: "t-" + o.user}),
	}
}

func directorOf(orders ...*order) *director {
	d := &director{of: map[mark]*order{}}
	d.add(orders)
	d.load(orders)
	return d
}

func TestAnOrderIsHeldAtItsPointAndNoOther(t *testing.T) {
	arrived, done := newOrder("r", 1, Row{Victim: "payment", Step: Charge, When: Arrived}, Once), newOrder("r", 2, Row{Victim: "payment", Step: Charge, When: Done}, Once)
	after, inside := newOrder("r", 3, Row{Victim: "payment", Step: Charge, When: After}, Once), newOrder("r", 4, Row{Victim: "checkout", Step: Ship, When: Before}, Once)
	d := directorOf(arrived, done, after, inside)
	holds := func(m lifeline.Moment) bool {
		_, hold := d.decide(m)
		return hold != nil
	}
	if !holds(charge(t, arrived, lifeline.PointArrived)) || arrived.stage != held {
		t.Error("the first is not held when its charge arrives")
	}
	if holds(charge(t, done, lifeline.PointArrived)) || !holds(charge(t, done, lifeline.PointDone)) {
		t.Error("the second is not held when its charge is done, and only then")
	}
	if holds(charge(t, after, lifeline.PointArrived)) || holds(charge(t, after, lifeline.PointDone)) || !holds(lifeline.Moment{Point: "before ship", Subject: after.user}) {
		t.Error("the third is not held at whatever follows its charge")
	}
	if holds(charge(t, inside, lifeline.PointDone)) || !holds(lifeline.Moment{Point: "before ship", Subject: inside.user}) {
		t.Error("the last is not held inside of checkout")
	}
	if holds(lifeline.Moment{Point: "before ship", Subject: "somebody else"}) {
		t.Error("another customer is held")
	}
	d.release([]*order{arrived, done, after, inside}, "paymentservice", false)
	if answer := <-after.release; answer != (lifeline.Direction{}) {
		t.Errorf("the third goes on with %+v", answer)
	}
	if holds(charge(t, arrived, lifeline.PointArrived)) {
		t.Error("an order is held again after the kill")
	}
}

func TestRequestsAreDoubledAndResponsesLostOnce(t *testing.T) {
	twice, lost := newOrder("r", 1, Row{Step: Charge}, Twice), newOrder("r", 2, Row{Step: Refund, Unshipped: true}, Lost)
	d := directorOf(twice, lost)
	for i, want := range []lifeline.Direction{{Again: true}, {}} {
		if got, _ := d.decide(charge(t, twice, lifeline.PointArrived)); got != want {
			t.Errorf("charge %d: %+v, want %+v", i, got, want)
		}
	}
	d.decide(charge(t, lost, lifeline.PointDone)) // so that its refund is known
	ship := lifeline.Moment{Method: hipstershop.ShippingService_ShipOrder_FullMethodName, Point: lifeline.PointDone, Request: wire(t, &hipstershop.ShipOrderRequest{Address: lost.address()})}
	refund := lifeline.Moment{Method: shopv1.Refunds_Refund_FullMethodName, Point: lifeline.PointDone, Request: wire(t, &shopv1.RefundRequest{TransactionId: "t-" + lost.user})}
	void := lifeline.Moment{Method: shopv1.Refunds_Void_FullMethodName, Point: lifeline.PointDone, Request: wire(t, &shopv1.VoidRequest{IdempotencyKey: "key of the charge"})}
	for i, tt := range []struct {
		m    lifeline.Moment
		want string
	}{{ship, lostCode}, {ship, lostCode}, {refund, lostCode}, {refund, ""}, {void, ""}} {
		if got, _ := d.decide(tt.m); got.Code != tt.want {
			t.Errorf("call %d ends with %q, want %q", i, got.Code, tt.want)
		}
	}
	d.release([]*order{twice, lost}, "", false)
	if got, _ := d.decide(ship); got.Code != "" {
		t.Error("shipping still loses responses after the kill")
	}
}
