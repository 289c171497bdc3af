package court

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const (
	// product is what all orders are for, in currency: all have the same amount.
	product, currency = "OLJCESPC7Z", "CHF"
	// firstCard begins the last four digits of the cards, one for each order.
	firstCard = 1000
)

// order is one cell: an order, by what it is recognized, and what has happened to it. The director guards what changes.
type order struct {
	row    Row
	column Column

	user, email, street, card, lastFour, key, trace string

	// stage is how far it is, and moment when it was heard of last.
	stage  stage
	moment time.Time
	// release ends the hold.
	release chan lifeline.Direction
	heldAt  lifeline.Moment
	// replied: the response of the row's step was delivered. doubled, lost: what the column says has happened.
	replied, doubled, lost bool
	// copied is the request of the step, to deliver it late.
	copied *lifeline.Moment
	// reached is whether the row's point was reached before the kill.
	reached bool
	// answer is what the customer has got.
	answer *hipstershop.OrderResult
	refuse error
	// left is whether the customer does not call any more.
	left bool
}

// stage is how far an order is.
type stage int

const (
	running stage = iota
	held          // at its point
	ended         // the customer has an answer, or has gone
)

// newOrder makes the nth order of a run.
func newOrder(run string, n int, row Row, column Column) *order {
	o := &order{row: row, column: column}
	o.user = fmt.Sprintf("court-%s-%d", run, n)
	o.email = o.user + "@example.com"
	o.street = fmt.Sprintf("%d Court Road %s", n, run)
	o.key = "key of " + o.user
	o.card = cardOf(firstCard + n)
	o.lastFour = o.card[12:]
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	o.trace = hex.EncodeToString(id[:])
	return o
}

// cardOf is a Visa number that passes the Luhn check and ends with four digits.
func cardOf(lastFour int) string {
	for digit := range 10 {
		number := fmt.Sprintf("44328015615%d%04d", digit, lastFour%10_000)
		sum := 0
		for i, c := range []byte(number) {
			d := int(c - '0')
			if i%2 == 0 {
				if d *= 2; d > 9 {
					d -= 9
				}
			}
			sum += d
		}
		if sum%10 == 0 {
			return number
		}
	}
	return "" // one of ten digits always fits
}

func (o *order) address() *hipstershop.Address {
	return &hipstershop.Address{StreetAddress: o.street, City: "Mountain View", State: "CA", Country: "United States", ZipCode: 94043}
}

func (o *order) item() *hipstershop.CartItem {
	return &hipstershop.CartItem{ProductId: product, Quantity: 1}
}

func (o *order) request() *hipstershop.PlaceOrderRequest {
	return &hipstershop.PlaceOrderRequest{
		UserId: o.user, UserCurrency: currency, Email: o.email, Address: o.address(),
		CreditCard: &hipstershop.CreditCardInfo{CreditCardNumber: o.card, CreditCardCvv: 672, CreditCardExpirationYear: int32(time.Now().Year() + 3), CreditCardExpirationMonth: 1},
	}
}

// digest is how shipping names the parcel.
func (o *order) digest() string {
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(&hipstershop.ShipOrderRequest{Address: o.address(), Items: []*hipstershop.CartItem{o.item()}})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(wire)
	return string(sum[:16])
}

// traceparent is a header of W3C's trace context: sampled, a new span each time.
func (o *order) traceparent() string {
	var span [8]byte
	_, _ = rand.Read(span[:]) // never fails
	return "00-" + o.trace + "-" + hex.EncodeToString(span[:]) + "-01"
}
