package topology

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
)

// The requests of users.
const (
	wordOrders = "orders"
	wordPages  = "pages"
)

// sentence summarizes the blast radius: "payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail (31 of 66)".
func (w *walk) sentence() string {
	parts := []string{w.fault.Service + " " + w.fault.Phrase}
	entry := w.now.entry()
	switch {
	case w.now.requests() == 0:
		parts = append(parts, "no traffic to measure it by: shopctl load start")
	case w.now.called(w.fault.Service) == 0:
		parts = append(parts, fmt.Sprintf("no calls to %s in %s", w.fault.Service, humanize.Span(w.now.To.Sub(w.now.From).Round(time.Second))))
	case len(w.reached)+len(w.stopped)+len(w.felt) == 0:
		parts = append(parts, fmt.Sprintf("no caller was affected in %s", humanize.Count(w.now.called(w.fault.Service), "call")))
	default:
		parts = append(parts, w.middle(entry)...)
		parts = append(parts, w.end(entry))
	}
	return strings.Join(parts, " -> ")
}

// middle are the services between the broken one and the entry service, which the users' part covers.
func (w *walk) middle(entry string) (parts []string) {
	for _, s := range w.reached {
		if s.service != entry || len(w.felt) == 0 {
			parts = append(parts, s.service+" "+w.words(s))
		}
	}
	return parts
}

// end is the effect on users, or the services that keep it from them.
func (w *walk) end(entry string) string {
	if len(w.felt) > 0 {
		var words []string
		for _, s := range w.felt {
			words = append(words, w.words(s))
		}
		return strings.Join(words, ", ")
	}
	if len(w.stopped) == 0 {
		return "users are not affected"
	}
	var words []string
	for _, s := range w.stopped {
		rest := "its responses do not"
		if s.service == entry {
			rest = "its pages do not"
		}
		words = append(words, fmt.Sprintf("%s degrades: %s, %s", s.service, w.callsOf(s), rest))
	}
	return strings.Join(words, "; ")
}

// callsOf describes the failing calls of a service that degrades gracefully.
func (w *walk) callsOf(s step) string {
	if s.effect.errors {
		return fmt.Sprintf("%s of its calls to %s fail (%d of %d)", humanize.Percent(s.now.ErrorRatio()), s.to, s.now.Failed, s.now.Requests)
	}
	return "its calls to " + s.to + " take " + humanize.Duration(quantile(s)) + " at " + quantileName(s)
}

// words describe the effect on a step: "errors 48%", "p95 2.9s", "47% of orders fail (31 of 66)".
func (w *walk) words(s step) string {
	if s.service == wordOrders || s.service == wordPages {
		return w.usersWords(s)
	}
	slower := s.effect.p95 || s.effect.p99
	if s.effect.errors && (!slower || w.fault.Delay == 0) {
		return "errors " + humanize.Percent(s.now.ErrorRatio())
	}
	if slower {
		return quantileName(s) + " " + humanize.Duration(quantile(s))
	}
	return "as before"
}

func (w *walk) usersWords(s step) string {
	if !s.effect.errors {
		return fmt.Sprintf("%s take %s at %s", s.service, humanize.Duration(quantile(s)), quantileName(s))
	}
	few := s.now.Requests < fewRequests
	verb := "fail"
	switch late, one := timedOut(s.now)*2 > s.now.Failed, few && s.now.Failed == 1; {
	case late && one:
		verb = "times out"
	case late:
		verb = "time out"
	case one:
		verb = "fails"
	}
	if few {
		return fmt.Sprintf("%d of %s %s", s.now.Failed, humanize.Count(s.now.Requests, strings.TrimSuffix(s.service, "s")), verb)
	}
	return fmt.Sprintf("%s of %s %s (%d of %d)", humanize.Percent(s.now.ErrorRatio()), s.service, verb, s.now.Failed, s.now.Requests)
}

// timedOut is how many failures were a deadline.
func timedOut(t servicegraph.Traffic) (n int64) {
	for _, f := range t.Failures {
		if f.Status == "504" || f.Status == "DEADLINE_EXCEEDED" {
			n += f.Count
		}
	}
	return n
}

func quantile(s step) time.Duration {
	if s.effect.p95 {
		return s.now.P95
	}
	return s.now.P99
}

func quantileName(s step) string {
	if s.effect.p95 {
		return "p95"
	}
	return "p99"
}
