// Package fault is what can be broken in the shop, and how each breakage is undone.
//
// Four things can go wrong with a service on purpose. Calls that it receives fail (error) or take
// longer (delay): its instances do that to themselves, so such a fault is only a rule that they are
// told. Its processes are killed (crash), once, and come back by the restart policy; or they are
// stopped in mid-air (pause) and let go on. What is broken is kept in a Registry, which undoes every
// fault in the end: when its time is up, when somebody clears it, or when the registry closes.
package fault

import (
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/rpc/code"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Fault is one thing that is broken. It is a value: changing a copy changes nothing.
type Fault struct {
	// ID is unique in the life of a registry: "f3".
	ID string
	// Service is the name people type ("payment"), Workload the key of what runs it ("paymentservice").
	Service  string
	Workload string
	// Module is the module that it is for, by its workload's name, where the workload is a monolith.
	Module string
	// Method is a bare name ("Charge") where that is unique in the service, else "package.Service/Method";
	// a path prefix for HTTP; empty for every call.
	Method string
	// Percent of the calls that it meets, above 0 and at most 100.
	Percent float64
	// Delay that a call suffers before it is served or fails; of a crash, the time until it happens.
	Delay time.Duration
	// Code that calls fail with; codes.OK: they do not fail.
	Code codes.Code
	// Crash kills the instances once, at once or when it ends, Pause stops them until the fault ends.
	Crash bool
	Pause bool
	// One crashes the oldest instance alone.
	One bool

	Injected time.Time
	// Ends is when it ends by itself; zero: when it is cleared.
	Ends time.Time
	// Owner is who injected it: "cli", "lesson grpc".
	Owner string

	// fullMethod is the method as instances compare it.
	fullMethod string
}

// Phrase says what the fault does, for people: "UNAVAILABLE 50% Charge, 1m59s left".
func (f Fault) Phrase(now time.Time) string {
	words := strings.Join(f.words(), " ")
	switch {
	case f.Ends.IsZero():
		return words
	case f.Crash:
		return words + " in " + left(f.Ends.Sub(now))
	}
	return words + ", " + left(f.Ends.Sub(now)) + " left"
}

func (f Fault) words() []string {
	switch {
	case f.Crash && f.One:
		return []string{"crash of one"}
	case f.Crash:
		return []string{"crash"}
	case f.Pause:
		return []string{"paused"}
	}
	var words []string
	if f.Delay > 0 {
		words = append(words, "+"+f.Delay.String())
	}
	if f.Code != codes.OK {
		words = append(words, code.Name(f.Code))
	}
	words = append(words, strconv.FormatFloat(f.Percent, 'g', -1, 64)+"%")
	if f.Method != "" {
		words = append(words, f.Method)
	}
	return words
}

// left rounds what is left of a fault up to whole seconds, so that it never says "0s", and leaves out
// what is zero: "2m".
func left(d time.Duration) string {
	s := max(time.Second, (d + time.Second - 1).Truncate(time.Second)).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Proto is the fault as the daemon's API carries it.
func (f Fault) Proto(now time.Time) *controlpb.Fault {
	p := &controlpb.Fault{
		Id: f.ID, Service: f.Service, Method: f.Method, Percent: f.Percent,
		Crash: f.Crash, Pause: f.Pause, One: f.One,
		Injected: timestamppb.New(f.Injected),
		Phrase:   f.Phrase(now), Owner: f.Owner,
	}
	if f.Delay > 0 {
		p.Delay = durationpb.New(f.Delay)
	}
	if f.Code != codes.OK {
		p.Error = code.Name(f.Code)
	}
	if !f.Ends.IsZero() {
		p.Ends = timestamppb.New(f.Ends)
	}
	return p
}

// rule is what the instances of the workload are told, if it is theirs to inject.
func (f Fault) rule() (lifeline.Fault, bool) {
	if f.Crash || f.Pause {
		return lifeline.Fault{}, false
	}
	rule := lifeline.Fault{ID: f.ID, Module: f.Module, Method: f.fullMethod, Percent: f.Percent, Delay: f.Delay}
	if f.Code != codes.OK {
		rule.Code = code.Name(f.Code)
	}
	return rule, true
}

// replaces reports whether f stands for the same breakage as an earlier fault, so that repeating a
// command changes its percentage or its end instead of breaking the service twice over.
func (f Fault) replaces(earlier Fault) bool {
	return f.Workload == earlier.Workload && f.Module == earlier.Module && f.fullMethod == earlier.fullMethod && f.Owner == earlier.Owner &&
		f.Code == earlier.Code && (f.Delay > 0) == (earlier.Delay > 0) && f.Pause == earlier.Pause && f.Crash == earlier.Crash
}
