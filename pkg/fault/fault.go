// Package fault injects faults into the shop, and undoes each of them.
//
// Calls to a service fail (error) or take longer (delay), its processes are killed (crash) and restarted by their restart
// policy, or they are suspended and resumed later (pause). Each of these has an [Injector]. A [Registry] keeps the active faults
// and undoes every one in the end: when it expires, when it is cleared, or when the registry closes.
package fault

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/rpc/code"
)

// Fault is one thing that is broken. It is a value: changing a copy changes nothing.
type Fault struct {
	// ID is unique in the life of a registry: "f3".
	ID string
	// Service is the name that people type ("payment"), Workload the key of what runs it ("paymentservice").
	Service  string
	Workload string
	// Module is the affected module where the workload is a monolith, by its own workload's name.
	Module string
	// Method is a bare name ("Charge") where that is unique in the service, else "package.Service/Method";
	// a path prefix for HTTP; empty for every call.
	Method string
	// Percent of the calls that are affected, above 0 and at most 100.
	Percent float64
	// Delay before a call is served or fails; of a crash, the time until it happens.
	Delay time.Duration
	// Code that calls fail with; codes.OK: they do not fail.
	Code codes.Code
	// Crash kills the instances once, at once or when it ends, and KillSidecar only their sidecars. Pause stops the instances
	// until the fault ends.
	Crash       bool
	KillSidecar bool
	Pause       bool
	// Single affects only the oldest instance; not for a pause.
	Single bool
	// From is the service whose calls are affected, and Caller its workload; empty: all callers.
	From, Caller string
	// Headers that affected requests have, "name=value".
	Headers []string
	// Where is WhereServer or WhereClient of a fault that sidecars cause in calls; else empty.
	Where string
	// Partition: nothing passes between the sidecars of Service and From. Drop is the percentage of packets that are lost on
	// the way to Service's sidecars and back, Bandwidth the bytes per second that pass.
	Partition bool
	Drop      float64
	Bandwidth int64
	// Director is the path of a unix socket: who listens there decides about each call (lifeline.Moment).
	Director string

	Injected time.Time
	// Ends is when it expires; zero: never, it must be cleared.
	Ends time.Time
	// Owner is who injected it: "cli", "lesson grpc".
	Owner string

	// fullMethod is the method as instances compare it. http: the service speaks HTTP.
	fullMethod string
	http       bool
}

// Phrase describes the fault: "UNAVAILABLE 50% Charge, 1m59s left".
func (f Fault) Phrase(now time.Time) string {
	words := strings.Join(f.words(), " ")
	switch {
	case f.Ends.IsZero():
		return words
	case f.Once():
		return words + " in " + left(f.Ends.Sub(now))
	}
	return words + ", " + left(f.Ends.Sub(now)) + " left"
}

func (f Fault) words() []string {
	switch {
	case f.Crash && f.Single:
		return []string{"crash of one"}
	case f.Crash:
		return []string{"crash"}
	case f.KillSidecar && f.Single:
		return []string{"sidecar of one killed"}
	case f.KillSidecar:
		return []string{"sidecars killed"}
	case f.Pause:
		return []string{"paused"}
	case f.Partition:
		return []string{"cut off from " + f.From}
	}
	var words []string
	if f.Director != "" {
		return []string{"directed by " + f.Owner}
	}
	if f.Drop > 0 {
		words = append(words, formatted(f.Drop)+"% of packets lost")
	}
	if f.Bandwidth > 0 {
		words = append(words, formatted(float64(f.Bandwidth)/1000)+" KB/s")
	}
	if f.Delay > 0 {
		words = append(words, "+"+humanize.Span(f.Delay))
	}
	if f.Code != codes.OK {
		words = append(words, code.Name(f.Code))
	}
	if !f.onWire() {
		words = append(words, formatted(f.Percent)+"%")
	}
	if f.Method != "" {
		words = append(words, f.Method)
	}
	switch {
	case f.From != "":
		words = append(words, "from "+f.From)
	case f.Where == WhereClient:
		words = append(words, "in the callers' sidecars")
	}
	for _, h := range f.Headers {
		words = append(words, "with "+h)
	}
	return words
}

// Elsewhere reports whether the called service knows nothing of the fault: nothing of what it does is in its own spans.
func (f Fault) Elsewhere() bool { return f.onWire() || f.Where != "" }

func formatted(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) }

// onWire reports whether the fault is one on the connections between sidecars.
func (f Fault) onWire() bool { return f.Partition || f.Drop > 0 || f.Bandwidth > 0 }

// left rounds up to whole seconds, so that it is never "0s".
func left(d time.Duration) string {
	return humanize.Span(max(time.Second, (d + time.Second - 1).Truncate(time.Second)))
}

// Once reports whether the fault happens once, with nothing to undo.
func (f Fault) Once() bool { return f.Crash || f.KillSidecar }

// instant reports whether the fault is over as soon as it has begun.
func (f Fault) instant() bool { return f.Once() && f.Delay == 0 }

// replaces reports whether f is the same breakage as an earlier fault, so that repeating a command changes its
// percentage or its end instead of breaking the service twice.
func (f Fault) replaces(earlier Fault) bool {
	return f.Workload == earlier.Workload && f.Module == earlier.Module && f.fullMethod == earlier.fullMethod && f.Owner == earlier.Owner &&
		f.Caller == earlier.Caller && f.Where == earlier.Where && slices.Equal(f.Headers, earlier.Headers) &&
		f.Partition == earlier.Partition && (f.Drop > 0) == (earlier.Drop > 0) && (f.Bandwidth > 0) == (earlier.Bandwidth > 0) &&
		f.Code == earlier.Code && (f.Director == "") == (earlier.Director == "") && (f.Delay > 0) == (earlier.Delay > 0) && f.Pause == earlier.Pause &&
		f.Crash == earlier.Crash && f.KillSidecar == earlier.KillSidecar
}
