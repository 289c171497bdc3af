package lesson

import (
	"slices"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// Event is a set of things that happen in the shop and may change the verdict of a goal.
type Event = probe.Event

// Events.
const (
	StateChanged   = probe.StateChanged
	LineWritten    = probe.LineWritten
	TraceEnded     = probe.TraceEnded
	MetricsScraped = probe.MetricsScraped
)

// concerns reports whether an event may change the result of a check, its hints or its setup conditions.
func concerns(e Event, c *format.Check) bool {
	triggers := c.Triggers()
	for _, w := range c.States() {
		triggers |= w.Triggers()
	}
	return e&triggers != 0
}

// hasCheckFor reports whether an event may change the result of a check of the lesson.
func hasCheckFor(l *Lesson, e Event) bool {
	concerned := func(c format.Check) bool { return concerns(e, &c) }
	return slices.ContainsFunc(l.SteadyState, concerned) ||
		slices.ContainsFunc(l.Steps, func(s format.Step) bool { return slices.ContainsFunc(s.Checks(), concerned) })
}

// noteEvent has the goals evaluated that the event concerns.
func (s *Session) noteEvent(e Event) {
	select {
	case s.events <- e:
	case <-s.closing:
	}
}
