package fault

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/grpc/codes"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// MaxDelay is the longest delay that a call can be given. Every call in the shop has a deadline far
// below it.
const MaxDelay = time.Minute

// Spec is what somebody wants to break, as typed.
type Spec struct {
	Service string
	Method  string
	// Percent of calls; 0: all.
	Percent float64
	Delay   time.Duration
	// Error is a gRPC code in any spelling.
	Error string
	Crash bool
	Pause bool
	// One: crash only one instance.
	One bool
	// For is how long; 0: until cleared.
	For   time.Duration
	Owner string
}

// FromProto reads a request of the daemon's API.
func FromProto(r *controlpb.InjectFaultRequest) Spec {
	f := r.GetFault()
	s := Spec{
		Service: f.GetService(), Method: f.GetMethod(), Percent: f.GetPercent(), Delay: f.GetDelay().AsDuration(),
		Error: f.GetError(), Crash: f.GetCrash(), Pause: f.GetPause(), One: f.GetOne(), For: r.GetFor().AsDuration(), Owner: f.GetOwner(),
	}
	if r.GetFor() != nil && s.For == 0 {
		s.For = -1 // Asked for and of no length, which validation refuses.
	}
	return s
}

// Invalid is a fault that cannot be injected as asked, with what to do about it.
type Invalid struct {
	Text string
	Hint string
}

func (e *Invalid) Error() string { return e.Text }

// Fault checks the spec against the target and returns it as a fault that has not begun.
func (s Spec) Fault(t Target) (Fault, error) {
	f := Fault{Service: t.Name, Workload: t.Workload, Module: t.Module, Delay: s.Delay, Crash: s.Crash, Pause: s.Pause, One: s.One, Owner: s.Owner}
	if err := s.checkDuration(); err != nil {
		return Fault{}, err
	}
	if s.One && !s.Crash {
		return Fault{}, &Invalid{Text: "only a crash takes one instance alone", Hint: fmt.Sprintf("shopctl fault inject %s --crash --one", s.Service)}
	}
	if s.Crash || s.Pause {
		if t.Module != "" { // there is no signal for a part of a process
			f.Service, f.Module = t.Process, ""
		}
		return f, s.checkSignal()
	}
	if err := s.checkCall(t); err != nil {
		return Fault{}, err
	}
	var err error
	if s.Error != "" {
		if f.Code, err = ParseCode(s.Error); err != nil {
			return Fault{}, err
		}
	}
	if f.Method, f.fullMethod, err = t.method(s.Method); err != nil {
		return Fault{}, err
	}
	f.Percent = s.Percent
	if f.Percent == 0 {
		f.Percent = 100
	}
	if f.Code == codes.OK && f.Delay == 0 {
		return Fault{}, &Invalid{Text: "the fault says nothing that goes wrong", Hint: "use --error CODE, --delay DURATION, --crash or --pause"}
	}
	return f, nil
}

func (s Spec) checkDuration() error {
	if s.For < 0 {
		return &Invalid{Text: "the time a fault lasts must be above zero", Hint: "use --for 2m, or leave it out to keep the fault until it is cleared"}
	}
	return nil
}

// checkSignal keeps faults that signal whole processes apart from faults in calls.
func (s Spec) checkSignal() error {
	kind := "pause"
	if s.Crash {
		kind = "crash"
	}
	switch {
	case s.Crash && s.Pause:
		return &Invalid{Text: "crash and pause exclude each other", Hint: "inject one of them"}
	case s.Error != "" || s.Delay != 0 && !s.Crash || s.Method != "" || s.Percent != 0:
		return &Invalid{
			Text: fmt.Sprintf("%s takes whole processes: it goes with no error, method or percentage, and only a crash with a delay", kind),
			Hint: fmt.Sprintf("shopctl fault inject %s --%s", s.Service, kind),
		}
	case s.Delay < 0 || s.Delay > MaxDelay:
		return &Invalid{Text: fmt.Sprintf("delay %s is not above zero and at most %s", s.Delay, MaxDelay), Hint: fmt.Sprintf("shopctl fault inject %s --crash --delay 5s", s.Service)}
	case s.Crash && s.For != 0:
		return &Invalid{Text: "crash happens once and does not last", Hint: fmt.Sprintf("leave --for out, or use --pause --for %s", s.For)}
	}
	return nil
}

func (s Spec) checkCall(t Target) error {
	switch {
	case t.Protocol == "tcp":
		return &Invalid{
			Text: fmt.Sprintf("%s speaks TCP, where calls cannot be told apart", t.Name),
			Hint: fmt.Sprintf("shopctl fault inject %s --pause --for 10s", t.Name),
		}
	case !t.Chassis:
		return &Invalid{
			Text: fmt.Sprintf("%s is not a built-in service: its own calls cannot be made to fail", t.Name),
			Hint: fmt.Sprintf("shopctl fault inject %s --pause --for 10s", t.Name),
		}
	case s.Percent < 0 || s.Percent > 100 || math.IsNaN(s.Percent):
		return &Invalid{Text: fmt.Sprintf("percent %g is not above 0 and at most 100", s.Percent), Hint: "use --percent 50 for every second call"}
	case s.Delay < 0:
		return &Invalid{Text: fmt.Sprintf("delay %s is below zero", s.Delay), Hint: "use --delay 500ms"}
	case s.Delay > MaxDelay:
		return &Invalid{Text: fmt.Sprintf("delay %s is above %s", s.Delay, MaxDelay), Hint: "use --delay 5s, which is past every deadline in the shop, or --pause"}
	}
	return nil
}
