package lesson

import (
	"slices"

	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// Happened tells what happened in the shop, as far as goals may hang on it: a set of the kinds below.
type Happened uint8

// What happens.
const (
	StateChanged Happened = 1 << iota // an instance, a fault or an object
	LineWritten                       // a line of log
	TraceEnded                        // a trace has all its spans
	MetricsRead                       // the metrics of all instances
)

// concerns tells whether a check, or what it knows of states on the way, may come out differently by it.
// What no event tells, such as a learner's file, is looked at every second.
func (h Happened) concerns(c *format.Check) bool {
	if h.decides(&c.Probe) {
		return true
	}
	of := func(w format.When) bool { return h.decides(&w.Probe) }
	return slices.ContainsFunc(c.HintWhen, of) || slices.ContainsFunc(c.SpoiledWhen, of)
}

func (h Happened) decides(p *format.Probe) bool {
	switch {
	case p.Instance != nil, p.Resource != nil, p.RPC != nil:
		return h&StateChanged != 0
	case p.Log != nil, p.Order != nil:
		return h&LineWritten != 0
	case p.Trace != nil, p.Edge != nil:
		return h&TraceEnded != 0
	case p.PromQL != nil, p.Alert != nil:
		return h&MetricsRead != 0
	}
	return false
}

// asks tells whether a lesson has a check that may come out differently when something happens.
func asks(l *Lesson, h Happened) bool {
	concerned := func(c format.Check) bool { return h.concerns(&c) }
	return slices.ContainsFunc(l.SteadyState, concerned) ||
		slices.ContainsFunc(l.Steps, func(s format.Step) bool { return slices.ContainsFunc(s.Checks(), concerned) })
}

// noteHappened has the goals looked at that what happened may have decided.
func (s *Session) noteHappened(h Happened) {
	select {
	case s.happened <- h:
	case <-s.closing:
	}
}
