// Package impact finds what faults do to the requests of a shop, from the traces of these requests: which of them failed
// because of a fault, which took longer, and what kept a fault from others.
//
// The chassis marks the span of a call into which it injects a fault. From there the way up decides. A failure is followed
// through the callers that failed because of it: until one of them tries again and succeeds, or responds without what it
// asked for. A delay counts as far as it is on the critical path of the request. A paused process marks nothing; there, the
// calls to it are what is followed. So one fault is never blamed for what another did, however few requests there are.
package impact

import (
	"strings"
	"time"
)

// Fault is an active fault.
type Fault struct {
	ID, Service string
	// Method is a bare name, "package.Service/Method", or a path prefix; empty for every call.
	Method string
	// Delay that it adds to calls, if any.
	Delay time.Duration
	// Fails: calls that it affects fail.
	Fails bool
	// Paused: the processes of the service do not run.
	Paused bool
	// Began is when it was injected.
	Began time.Time
}

// covers reports whether a span's name is of a call that the fault may affect.
func (f Fault) covers(name string) bool {
	if strings.HasPrefix(f.Method, "/") {
		_, path, _ := strings.Cut(name, " ")
		return strings.HasPrefix(path, f.Method)
	}
	return f.Method == "" || strings.EqualFold(name, f.Method) ||
		len(name) > len(f.Method) && strings.EqualFold(name[len(name)-len(f.Method)-1:], "/"+f.Method)
}

// Kind is what a request was for.
type Kind string

// The kinds of requests. Others are named after the service that was called directly.
const (
	Orders Kind = "orders"
	Pages  Kind = "pages"
	API    Kind = "API requests"
	// none are requests that are not worth a word: files, probes.
	none Kind = ""
)

// Request is one request of a user, with everything that was done for it.
type Request struct {
	// Came is when it was complete.
	Came time.Time
	Kind Kind
	// Service that it was sent to.
	Service string
	Took    time.Duration
	Failed  bool
	// Served are the calls that services served for it, itself included.
	Served   []Served
	Outcomes []Outcome
}

// Served is a call that a service served.
type Served struct {
	Service string
	Took    time.Duration
	Failed  bool
}

// Outcome is what a fault did to a request.
type Outcome struct {
	Fault string
	// Calls are those that the fault could affect, Hits those that it did.
	Calls, Hits int
	// Failed: the request failed because of it; TimedOut: as it took too long.
	Failed, TimedOut bool
	// Late is by how much it made the request longer.
	Late time.Duration
	// Reached are the calls served on the way from the fault to the request that it affected, the nearest first.
	Reached []Reached
	Hidden  []Hidden
}

// Reached is a call of a service whose response was affected.
type Reached struct {
	Service string
	Failed  bool
}

// How a fault was kept from a request.
type How int

// The ways to keep a fault from users.
const (
	// Retried: another attempt succeeded.
	Retried How = iota
	// Tolerated: the caller responded without it.
	Tolerated
	// OffPath: the request did not wait for it, or hardly.
	OffPath
	// Masked: the request failed for another reason.
	Masked
)

// Hidden is a call that was affected, while the response of its caller was not.
type Hidden struct {
	How             How
	Service, Callee string
}

// Of is what a fault did to a request; false if it was not active.
func (r Request) Of(fault string) (Outcome, bool) {
	for _, o := range r.Outcomes {
		if o.Fault == fault {
			return o, true
		}
	}
	return Outcome{}, false
}
