// Package shopevent is the contract of the shop's events: CloudEvents 1.0 in JSON, on subjects of NATS.
//
// A message is in the structured mode of the NATS binding of CloudEvents: the whole event is its payload. Its header
// repeats what NATS and tracing look for there: Nats-Msg-Id is the event's id, traceparent that of the span that sent it.
package shopevent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// The types of events, which are also the last words of their subjects.
const (
	OrderPlaced     = "OrderPlaced"     // paid and shipped; the last event of an order that succeeds
	PaymentCharged  = "PaymentCharged"  // the card was charged
	PaymentRefunded = "PaymentRefunded" // the charge was returned
	OrderShipped    = "OrderShipped"    // the parcel has left
	OrderCancelled  = "OrderCancelled"  // nothing of the order stands; the last event of one that fails
)

// Types are all types, in the order in which they happen.
func Types() []string {
	return []string{PaymentCharged, OrderShipped, OrderPlaced, PaymentRefunded, OrderCancelled}
}

const (
	// Stream is the stream of JetStream that keeps the events.
	Stream = "SHOP"
	// DeadLetters is the stream that keeps which messages were given up by which consumer.
	DeadLetters = "SHOP_DEAD_LETTERS"
	// SubjectPrefix begins the subject of an event, whose type follows.
	SubjectPrefix = "shop.event."
	// RedrivePrefix begins the subject of a message for one consumer, whose name follows.
	RedrivePrefix = "shop.redrive."
	// Source is the source of what checkout sends.
	Source = "/shop/checkout"
	// ContentType is that of a message in structured mode.
	ContentType = "application/cloudevents+json"
)

// MaxBytes is how large an event may be, in JSON.
const MaxBytes = 256 << 10

// Event is a CloudEvent, with the extensions for sequence and tracing.
type Event struct {
	SpecVersion string `json:"specversion"` // "1.0"
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	// Subject is the order's id.
	Subject string `json:"subject"`
	// Time is when it happened, in UTC.
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype,omitempty"`
	// Sequence grows with each event of a Subject: a decimal number.
	Sequence    string `json:"sequence,omitempty"`
	TraceParent string `json:"traceparent,omitempty"`
	TraceState  string `json:"tracestate,omitempty"`
	// Data is JSON: Order for the events of checkout.
	Data json.RawMessage `json:"data,omitempty"`
}

// Order is the data of an event. Fields that are not known yet are left out: an order has its parcel when it is shipped.
type Order struct {
	OrderID string `json:"order_id"`
	UserID  string `json:"user_id,omitempty"`
	// Email is set in OrderPlaced alone.
	Email string `json:"email,omitempty"`
	// Total is in the user's currency: "26.70 EUR".
	Total         string `json:"total,omitempty"`
	TransactionID string `json:"transaction_id,omitempty"`
	TrackingID    string `json:"tracking_id,omitempty"`
	// Reason is why an order was canceled.
	Reason string `json:"reason,omitempty"`
	// Result is the hipstershop.OrderResult of OrderPlaced in the JSON of protocol buffers.
	Result json.RawMessage `json:"result,omitempty"`
}

// Encode returns the event as the payload of a message.
func (e Event) Encode() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(e)
	switch {
	case err != nil:
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	case len(raw) > MaxBytes:
		return nil, fmt.Errorf("encode event %s: it has %d bytes, at most %d are sent", e.ID, len(raw), MaxBytes)
	}
	return raw, nil
}

// Decode reads a payload, and refuses what is not an event.
func Decode(payload []byte) (Event, error) {
	if len(payload) > MaxBytes {
		return Event{}, fmt.Errorf("read event: it has %d bytes, at most %d are read", len(payload), MaxBytes)
	}
	var e Event
	if err := json.Unmarshal(payload, &e); err != nil {
		return Event{}, fmt.Errorf("read event: %w", err)
	}
	if err := e.check(); err != nil {
		return Event{}, fmt.Errorf("read event: %w", err)
	}
	return e, nil
}

// Order reads the data of an event about an order.
func (e Event) Order() (Order, error) {
	var o Order
	if err := json.Unmarshal(e.Data, &o); err != nil {
		return o, fmt.Errorf("read the data of event %s: %w", e.ID, err)
	}
	if o.OrderID == "" || o.OrderID != e.Subject {
		return o, fmt.Errorf("read the data of event %s: its order_id is %q, its subject %q", e.ID, o.OrderID, e.Subject)
	}
	return o, nil
}

func (e Event) check() error {
	if e.SpecVersion != "1.0" {
		return fmt.Errorf("specversion is %q, want 1.0", e.SpecVersion)
	}
	for _, attribute := range [][2]string{{"id", e.ID}, {"source", e.Source}, {"type", e.Type}, {"subject", e.Subject}} {
		if err := checkAttribute(attribute[0], attribute[1]); err != nil {
			return err
		}
	}
	if err := CheckType(e.Type); err != nil {
		return err
	}
	if e.Data != nil && !json.Valid(e.Data) {
		return errors.New("data is not JSON")
	}
	return nil
}

// maxAttribute is how long an attribute may be, in bytes.
const maxAttribute = 256

func checkAttribute(name, value string) error {
	switch {
	case value == "":
		return fmt.Errorf("%s is missing", name)
	case len(value) > maxAttribute:
		return fmt.Errorf("%s has %d bytes, at most %d are allowed", name, len(value), maxAttribute)
	case strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("%s %q has control characters", name, value)
	}
	return nil
}

// CheckType refuses what cannot be the last word of a subject.
func CheckType(name string) error {
	if name == "" || len(name) > maxAttribute || strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) {
		return fmt.Errorf("type %q is not a word of letters, digits, - and _, such as %s", name, OrderPlaced)
	}
	return nil
}

// Compact returns JSON without space, such as the JSON of protocol buffers, which varies in it.
func Compact(raw []byte) (json.RawMessage, error) {
	var b bytes.Buffer
	err := json.Compact(&b, raw)
	return b.Bytes(), err
}
