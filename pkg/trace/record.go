// Package trace assembles spans into traces, finds where a trace spent its time, and reads and writes
// OpenTelemetry's OTLP.
package trace

import (
	"encoding/hex"
	"time"
)

// ID names a trace, SpanID a span of it, as they travel.
type (
	ID     [16]byte
	SpanID [8]byte
)

// String is the id as people see it: hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// shortID is the number of digits of an id that are shown to people, and enough to find the trace by.
const shortID = 8

// Short is the beginning of the id in hexadecimal digits, as it is shown to people.
func (id ID) Short() string { return ShortID(id.String()) }

// ShortID is the beginning of an id in hexadecimal digits, as it is shown to people.
func ShortID(id string) string { return id[:min(shortID, len(id))] }

// String is the id as people see it: hexadecimal digits.
func (id SpanID) String() string { return hex.EncodeToString(id[:]) }

// LentParent is the parent that a caller names which sends no span of its own, but wants to know the trace's id.
func LentParent(id ID) SpanID { return SpanID(id[8:]) }

// Outermost reports whether a span with this parent is the first of its trace: its caller sends no span.
func Outermost(id ID, parent SpanID) bool { return parent == SpanID{} || parent == LentParent(id) }

// Kind is the role of a span; the numbers are OTLP's.
type Kind int8

// The kinds of opentelemetry.proto.trace.v1.Span.SpanKind.
const (
	Unspecified Kind = iota
	Internal
	Server
	Client
	Producer
	Consumer
)

// String is the kind in one word of OpenTelemetry's.
func (k Kind) String() string {
	switch k {
	case Internal:
		return "internal"
	case Server:
		return "server"
	case Client:
		return "client"
	case Producer:
		return "producer"
	case Consumer:
		return "consumer"
	default:
		return "unspecified"
	}
}

// Record is the information about a span that needs no look at its attributes: enough to index it,
// and to count it as a call between two services.
type Record struct {
	Trace  ID
	Span   SpanID
	Parent SpanID // zero: none
	// SentIn is the trace and Sent the span that the first link of a consumer's span names: the sending of the message; zero: none.
	SentIn  ID
	Sent    SpanID
	Kind    Kind
	Service string // resource attribute service.name
	Name    string
	// Start and End are zero where they cannot be right.
	Start, End time.Time
	Error      bool // the status is an error
	// Peer is who a client span calls, by attribute server.address, or peer.service where that is given.
	Peer string
	// Port goes with Peer: attribute server.port; empty if there is none.
	Port string
	// Code is rpc.response.status_code or http.response.status_code; empty if there is none.
	Code string
	// Proxy: it is a span of a sidecar or a gateway, attribute component.
	Proxy bool
	// Sidecar is what such a span says; nil where it is not asked for.
	Sidecar *Sidecar
	// Protocol is rpc.system.name (grpc), db.system.name (redis), messaging.system (nats), http for HTTP; empty if unknown.
	Protocol string
}
