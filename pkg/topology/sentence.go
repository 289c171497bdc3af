package topology

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
)

// What users do.
const (
	wordOrders = "orders"
	wordPages  = "pages"
)

// sentence tells the whole: "payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail (31 of 66)".
func (w *walk) sentence() string {
	parts := []string{w.fault.Service + " " + w.fault.Words}
	entry := w.now.entry()
	switch {
	case w.now.requests() == 0:
		parts = append(parts, "no traffic to measure it by: shopctl load start")
	case w.now.called(w.fault.Service) == 0:
		parts = append(parts, fmt.Sprintf("nobody has called %s in %s", w.fault.Service, seconds(w.now.To.Sub(w.now.From))))
	case len(w.reached)+len(w.stopped)+len(w.felt) == 0:
		parts = append(parts, fmt.Sprintf("no caller feels it in %s", count(w.now.called(w.fault.Service), "call")))
	default:
		parts = append(parts, w.middle(entry)...)
		parts = append(parts, w.end(entry))
	}
	return strings.Join(parts, " -> ")
}

// middle are the services between the broken one and the one in front, of which users tell.
func (w *walk) middle(entry string) (parts []string) {
	for _, s := range w.reached {
		if s.service != entry || len(w.felt) == 0 {
			parts = append(parts, s.service+" "+w.words(s))
		}
	}
	return parts
}

// end is what users feel, or who keeps it from them.
func (w *walk) end(entry string) string {
	if len(w.felt) > 0 {
		var words []string
		for _, s := range w.felt {
			words = append(words, w.words(s))
		}
		return strings.Join(words, ", ")
	}
	if len(w.stopped) == 0 {
		return "users do not feel it"
	}
	var words []string
	for _, s := range w.stopped {
		rest := "its answers do not"
		if s.service == entry {
			rest = "its pages do not"
		}
		words = append(words, fmt.Sprintf("%s degrades: %s, %s", s.service, w.callsOf(s), rest))
	}
	return strings.Join(words, "; ")
}

// callsOf says what a caller that copes sees below it.
func (w *walk) callsOf(s step) string {
	if s.effect.errors {
		return fmt.Sprintf("%s of its calls to %s fail (%d of %d)", Percent(s.now.ErrorRatio()), s.to, s.now.Failed, s.now.Requests)
	}
	return "its calls to " + s.to + " take " + Duration(quantile(s)) + " at " + quantileName(s)
}

// words say what became of a step: "errors 48%", "p95 2.9s", "47% of orders fail (31 of 66)".
func (w *walk) words(s step) string {
	if s.service == wordOrders || s.service == wordPages {
		return w.usersWords(s)
	}
	slower := s.effect.p95 || s.effect.p99
	if s.effect.errors && (!slower || w.fault.Delay == 0) {
		return "errors " + Percent(s.now.ErrorRatio())
	}
	if slower {
		return quantileName(s) + " " + Duration(quantile(s))
	}
	return "as before"
}

func (w *walk) usersWords(s step) string {
	if !s.effect.errors {
		return fmt.Sprintf("%s take %s at %s", s.service, Duration(quantile(s)), quantileName(s))
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
		return fmt.Sprintf("%d of %s %s", s.now.Failed, count(s.now.Requests, strings.TrimSuffix(s.service, "s")), verb)
	}
	return fmt.Sprintf("%s of %s %s (%d of %d)", Percent(s.now.ErrorRatio()), s.service, verb, s.now.Failed, s.now.Requests)
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

// count is a number with its noun.
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatInt(n, 10) + " " + noun + "s"
}

// seconds is how long something was looked at.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(math.Round(d.Seconds())), 10) + "s"
}

// Percent is a share for people: "48%", "0.4%", and "<0.1%" for what is nearly nothing.
func Percent(ratio float64) string {
	switch p := 100 * ratio; {
	case p == 0:
		return "0%"
	case p < 0.1:
		return "<0.1%"
	case p < 1:
		return strconv.FormatFloat(p, 'f', 1, 64) + "%"
	case p > 99 && p < 100:
		return ">99%"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + "%"
	}
}

// Duration is a time for people, in two digits that matter: "0.4ms", "38ms", "2.9s".
func Duration(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(d.Seconds()*1000, 'f', 1, 64) + "ms"
	case d < 995*time.Millisecond:
		return strconv.FormatFloat(d.Seconds()*1000, 'f', 0, 64) + "ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	default:
		return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + "s"
	}
}
