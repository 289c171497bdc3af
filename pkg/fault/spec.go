package fault

import (
	"fmt"
	"path/filepath"
	"time"
)

// MaxDelay is the longest delay that a call can be given. Every call in the shop has a deadline far below it.
const MaxDelay = time.Minute

// Spec is a request for a fault, as typed.
type Spec struct {
	Service string
	Method  string
	// Percent of calls; 0: all.
	Percent float64
	Delay   time.Duration
	// Error is a gRPC code in any spelling.
	Error string
	Crash bool
	// KillSidecar: kill the sidecars, not the instances.
	KillSidecar bool
	Pause       bool
	// Single: crash only one instance, or kill only its sidecar.
	Single bool
	// From is the service whose calls are affected; of a partition, the other service. Empty: all callers.
	From string
	// Headers that affected requests have, "name=value".
	Headers []string
	// Where is WhereServer or WhereClient; empty: the client if From or Headers are given.
	Where string
	// Partition: nothing passes between the sidecars of both services. Drop is the percentage of packets that are lost on
	// the way to the service's sidecars and back, Bandwidth the bytes per second that pass; 0: none, and all.
	Partition bool
	Drop      float64
	Bandwidth int64
	// Director is the absolute path of a unix socket whose listener decides about each call; it goes with nothing else.
	Director string
	// For is how long it lasts; 0: until it is cleared.
	For   time.Duration
	Owner string
}

// Where calls can be made to fail or wait: in the called service, or in the sidecars of its callers, where no retry and no
// ejection sees it.
const (
	WhereServer = "server"
	WhereClient = "client"
)

// Invalid is the error about a fault that cannot be injected, with what to do about it.
type Invalid struct {
	Text string
	Hint string
}

func (e *Invalid) Error() string { return e.Text }

// check refuses specs that no injector can make sense of.
func (s Spec) check() error {
	switch {
	case s.For < 0:
		return &Invalid{Text: "the time a fault lasts must be above zero", Hint: "use --for 2m, or leave it out to keep the fault until it is cleared"}
	case s.Director != "" && (!filepath.IsAbs(s.Director) || s.once() || s.Pause || s.wire() || s.client() || s.Error != "" || s.Delay != 0):
		return &Invalid{Text: "a director is the absolute path of a socket, and goes with no other fault", Hint: "shopctl saga prove"}
	case s.Single && !s.once():
		return &Invalid{Text: "only a crash can affect a single instance", Hint: fmt.Sprintf("shopctl fault inject %s --crash --single", s.Service)}
	case s.Crash && s.Pause:
		return &Invalid{Text: "crash and pause cannot be combined", Hint: "inject one of them"}
	case s.KillSidecar && (s.Crash || s.Pause):
		return &Invalid{Text: "killing sidecars cannot be combined with a crash or a pause", Hint: "inject one of them"}
	case (s.once() || s.Pause) && (s.From != "" || s.Where != "" || len(s.Headers) > 0 || s.wire()):
		return &Invalid{Text: "faults of whole processes cannot be combined with faults in calls or on the wire", Hint: "inject one of them"}
	}
	return nil
}

// wire reports whether the fault is one on the connections between sidecars.
func (s Spec) wire() bool { return s.Partition || s.Drop != 0 || s.Bandwidth != 0 }

// client reports whether the callers' sidecars cause the fault.
func (s Spec) client() bool {
	return s.Where == WhereClient || s.Where == "" && (s.From != "" || len(s.Headers) > 0)
}

// once reports whether the fault happens once.
func (s Spec) once() bool { return s.Crash || s.KillSidecar }

// begin returns a fault with what all kinds have in common.
func (s Spec) begin(t Target) Fault {
	f := Fault{
		Service: t.Name, Workload: t.Workload, Module: t.Module, Delay: s.Delay,
		Crash: s.Crash, KillSidecar: s.KillSidecar, Pause: s.Pause, Single: s.Single, Director: s.Director, Owner: s.Owner,
	}
	if t.Caller != nil {
		f.From, f.Caller = t.Caller.Name, t.Caller.Workload
	}
	return f
}

// wholeProcess returns a fault of whole processes. A module cannot be killed or paused without the process that it is in.
func (s Spec) wholeProcess(t Target) Fault {
	f := s.begin(t)
	if t.Module != "" {
		f.Service, f.Module = t.Process, ""
	}
	return f
}

// checkWholeProcess refuses to combine a fault of whole processes with one in calls.
func (s Spec) checkWholeProcess(kind string) error {
	switch {
	case s.Error != "" || s.Delay != 0 && !s.once() || s.Method != "" || s.Percent != 0:
		flags := "--error, --method or --percent"
		if !s.once() {
			flags = "--error, --delay, --method or --percent"
		}
		return &Invalid{
			Text: fmt.Sprintf("--%s acts on whole processes and cannot be combined with %s", kind, flags),
			Hint: fmt.Sprintf("shopctl fault inject %s --%s", s.Service, kind),
		}
	case s.Delay < 0 || s.Delay > MaxDelay:
		return &Invalid{Text: fmt.Sprintf("delay %s is not above zero and at most %s", s.Delay, MaxDelay), Hint: fmt.Sprintf("shopctl fault inject %s --%s --delay 5s", s.Service, kind)}
	case s.KillSidecar && s.For != 0:
		return &Invalid{Text: "sidecars are killed once, and start again by themselves", Hint: fmt.Sprintf("leave --for out: shopctl fault inject %s --kill-sidecar", s.Service)}
	case s.Crash && s.For != 0:
		return &Invalid{Text: "a crash happens once and cannot last", Hint: fmt.Sprintf("leave --for out, or use --pause --for %s", s.For)}
	}
	return nil
}
