package impact

import (
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

const (
	// slowPause is how long a call to a paused process must wait to count.
	slowPause = 100 * time.Millisecond
	// worth is the share of a deadline that a delay must have used up to be the reason that it passed.
	worth = 0.3
)

// walk follows a fault through a request.
type walk struct {
	Namer
	fault Fault
	entry *trace.Span
	// onPath: the trace's critical path includes the entry.
	onPath  bool
	out     Outcome
	reached map[*trace.Span]bool
}

// visit follows a span from where the fault was injected into it, if it was.
func (w *walk) visit(s *trace.Span) {
	switch {
	case w.fault.Paused && s.Kind == trace.Client && w.callee(s) == w.fault.Service,
		w.fault.Paused && s == w.entry && w.Name(s.Service) == w.fault.Service:
		w.out.Calls++
		if failed(s) || w.late(s) >= slowPause {
			w.out.Hits++
			w.follow(s)
		}
	case w.fault.Paused:
	case marked(s, w.fault.ID):
		w.out.Calls++
		w.out.Hits++
		w.follow(s)
	case s.Kind == trace.Server && w.Name(s.Service) == w.fault.Service && w.fault.covers(s.Name):
		w.out.Calls++
	}
}

// follow goes up from an affected call.
func (w *walk) follow(s *trace.Span) {
	late := w.late(s)
	slowing := w.fault.Delay > 0 || w.fault.Paused
	// A call that is only delayed may fail for reasons of its own.
	if failed(s) && (w.fault.Fails || w.fault.Paused || timedOut(s)) {
		w.fail(s)
		return
	}
	if cur := w.passed(s); cur != nil && slowing {
		if cur.Kind == trace.Server {
			w.reach(cur, true)
		}
		w.fail(cur)
		return
	}
	if !slowing {
		return
	}
	if late < max(w.fault.Delay/2, time.Millisecond) {
		w.out.Hidden = append(w.out.Hidden, Hidden{How: OffPath, Callee: w.fault.Service})
		return
	}
	w.delay(s, late)
}

// delay records that the callers of a call waited for it.
func (w *walk) delay(s *trace.Span, late time.Duration) {
	w.out.Late += late
	for up := s.Up; up != nil && s != w.entry; up = up.Up {
		if up.Kind == trace.Server {
			w.reach(up, false)
		}
		if up == w.entry {
			break
		}
	}
}

// tolerate records that a caller responds without a call that failed. If the fault is a delay, the caller may have waited
// for the call until its deadline, and responds later by that.
func (w *walk) tolerate(cur, up *trace.Span) {
	w.hide(Tolerated, cur, up)
	if w.fault.Delay == 0 && !w.fault.Paused {
		return
	}
	if late := w.late(cur); late >= max(min(cur.Duration(), w.fault.Delay)/2, time.Millisecond) {
		w.delay(cur, late)
	}
}

// late is by how much a call delayed its request: its own part of the critical path, as far as that is the fault's.
func (w *walk) late(s *trace.Span) time.Duration {
	own := s.OwnTime()
	if s.Kind == trace.Client {
		for _, child := range s.Children {
			own += child.OwnTime()
		}
	}
	if !w.onPath {
		own = s.Duration()
	}
	if w.fault.Delay > 0 {
		return min(own, w.fault.Delay)
	}
	return own
}

// passed is the nearest caller whose deadline passed, where the delay is much of the reason; nil if none did.
func (w *walk) passed(s *trace.Span) *trace.Span {
	for up := s.Up; up != nil && s != w.entry; up = up.Up {
		if failed(up) && timedOut(up) {
			wait := min(s.Duration(), within(s, up))
			if w.fault.Delay > 0 {
				wait = min(wait, w.fault.Delay)
			}
			if float64(wait) >= worth*float64(up.Duration()) {
				return up
			}
		}
		if up == w.entry {
			return nil
		}
	}
	return nil
}

// within is for how long both spans lasted.
func within(a, b *trace.Span) time.Duration {
	from, to := a.Start, a.End
	if b.Start.After(from) {
		from = b.Start
	}
	if b.End.Before(to) {
		to = b.End
	}
	return max(0, to.Sub(from))
}

// fail follows a failed call through its callers.
func (w *walk) fail(cur *trace.Span) {
	for cur != w.entry {
		up := cur.Up
		switch {
		case up == nil:
			return
		case up.Kind == trace.Producer:
			w.hide(Tolerated, cur, up)
			return
		case again(cur, up):
			w.hide(Retried, cur, up)
			return
		case !failed(up):
			w.tolerate(cur, up)
			return
		case up.Kind == trace.Server && !culprit(cur, up):
			w.hide(Masked, cur, up)
			return
		}
		if up.Kind == trace.Server {
			w.reach(up, true)
		}
		cur = up
	}
	w.out.Failed = true
	w.out.TimedOut = w.out.TimedOut || timedOut(w.entry)
}

// again reports whether the same call was made again below up, and succeeded.
func again(cur, up *trace.Span) bool {
	return slices.ContainsFunc(up.Children, func(o *trace.Span) bool {
		return o != cur && o.Kind == cur.Kind && o.Name == cur.Name && o.Service == cur.Service && !failed(o) && !o.Start.Before(cur.End)
	})
}

// culprit reports whether a server failed because of this call rather than because of another that failed, too: where its
// error quotes that of a call, it is that one. Else it is the last that failed by itself, as a handler ends when it has
// nothing more to do.
func culprit(cur, up *trace.Span) bool {
	var all []*trace.Span
	for _, o := range up.Children {
		if failed(o) && o.Kind == cur.Kind && !again(o, up) {
			all = append(all, o)
		}
	}
	quotes := func(o *trace.Span) bool { return o.Message != "" && strings.Contains(up.Message, o.Message) }
	if slices.ContainsFunc(all, quotes) {
		return quotes(cur)
	}
	own := slices.DeleteFunc(slices.Clone(all), func(o *trace.Span) bool { return o.Code == "CANCELLED" })
	if len(own) == 0 {
		own = all
	}
	if len(own) == 0 {
		return true
	}
	last := slices.MaxFunc(own, func(a, b *trace.Span) int { return a.End.Compare(b.End) })
	return cur == last || last.Name == cur.Name && last.Service == cur.Service && last.Peer == cur.Peer
}

func (w *walk) reach(s *trace.Span, failed bool) {
	if w.reached[s] {
		return
	}
	w.reached[s] = true
	w.out.Reached = append(w.out.Reached, Reached{w.Name(s.Service), failed})
}

// hide records that a caller, whose span is up, kept a failed call from its own response.
func (w *walk) hide(how How, cur, up *trace.Span) {
	h := Hidden{How: how, Service: w.Name(up.Service), Callee: w.Name(cur.Service)}
	if cur.Kind == trace.Client {
		h.Callee = w.callee(cur)
	}
	w.out.Hidden = append(w.out.Hidden, h)
}
