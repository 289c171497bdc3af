package checkout

import (
	"database/sql/driver"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// state is how far a purchase is.
type state int64

const (
	// charging: the card is being charged, and what follows is under way. If its owner dies, it is finished where the
	// card was charged, else it has failed.
	charging state = 1
	// doubtful: whether the card was charged is not known; the charge is to be voided.
	doubtful state = 2
	// refunding: the charge is to be refunded.
	refunding state = 3
	// placed: the order is placed. What is left is to empty the cart and to send the confirmation, if that is not done.
	placed state = 4
	// failed: nothing is charged. The key may be used for another attempt.
	failed state = 5
	// stuck: the charge stands, and can neither be used nor refunded. An operator has to retry or cancel it.
	stuck state = 6
)

// purchase is one row: an order that is being placed, or was.
type purchase struct {
	seq     int64
	key     string
	request fingerprint
	state   state
	// generation is how many charge keys were spent, by refunds or voided charges.
	generation int64
	owner      string
	token      int64
	due        int64 // Unix milliseconds; 0: nothing is left to do
	tries      int64 // to finish what is left
	// chargeKey is the idempotency-key at the payment service.
	chargeKey   string
	transaction string
	user, email string
	order       *hipstershop.OrderResult
	// emptied and confirmed are whether the cart was emptied and the confirmation sent, or given up.
	emptied, confirmed         bool
	trace                      string // of the call that began it
	traceParent                string // of the span that works on it, in W3C's form
	created, updated, deadline int64
	announced, events          int64 // see news
	history                    history
	// closing is whether it ends even if its charge cannot be refunded.
	closing bool
	// again is whether an earlier attempt with the key has failed.
	again bool
	// mine is whether this process owns it, as of checked.
	mine    bool
	checked time.Time
}

// left is when to do what is left to do of a purchase that is settled otherwise; 0: nothing is left.
func (p *purchase) left() time.Duration {
	if p.state == placed && !(p.emptied && p.confirmed) {
		return retryPause
	}
	return 0
}

// items are those of the order.
func (p *purchase) items() []*hipstershop.CartItem {
	items := make([]*hipstershop.CartItem, len(p.order.GetItems()))
	for i, ordered := range p.order.GetItems() {
		items[i] = ordered.GetItem()
	}
	return items
}

// fingerprint distinguishes requests.
type fingerprint [16]byte

func purchaseOf(row []driver.Value) (*purchase, error) {
	p := &purchase{
		seq: row[0].(int64), key: row[1].(string), state: state(row[3].(int64)), generation: row[4].(int64), owner: row[5].(string), token: row[6].(int64),
		tries: row[8].(int64), chargeKey: row[9].(string), transaction: row[10].(string), user: row[11].(string), email: row[12].(string),
		order: &hipstershop.OrderResult{}, emptied: row[14].(int64) != 0, confirmed: row[15].(int64) != 0,
		trace: row[16].(string), created: row[17].(int64), updated: row[18].(int64), deadline: row[19].(int64),
		announced: row[20].(int64), events: row[21].(int64),
	}
	copy(p.request[:], row[2].([]byte))
	p.due, _ = row[7].(int64)
	ordered, _ := row[13].([]byte)
	if err := proto.Unmarshal(ordered, p.order); err != nil {
		return p, fmt.Errorf("read order %s: %w", p.order.GetOrderId(), err)
	}
	return p, nil
}
