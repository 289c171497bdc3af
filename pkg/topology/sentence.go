package topology

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/observe/impact"
)

// manyLate is the share of requests that must be late for their 95th percentile to show it.
const manyLate = 0.05

// sentence summarizes the blast radius: "payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail (31 of 66)".
func (s *summary) sentence() string {
	parts := []string{s.fault.Service + " " + s.fault.Phrase}
	felt := s.felt()
	switch {
	case s.fault.Pending:
		parts = append(parts, "nothing yet")
	case len(felt) > 0:
		parts = append(parts, s.degrading(felt)...)
		parts = append(parts, s.middle(felt)...)
		var words []string
		for _, g := range felt {
			words = append(words, g.words())
		}
		if s.retried > 0 {
			words = append(words, fmt.Sprintf("retries hide %d of %s", s.retried, humanize.Count(int64(s.hits), "affected call")))
		}
		parts = append(parts, strings.Join(words, ", "))
	case len(s.hidden) > 0:
		parts = append(parts, s.middle(nil)...)
		parts = append(parts, s.covered())
	default:
		parts = append(parts, s.nothing())
	}
	return strings.Join(parts, " -> ")
}

// nothing describes why no effect is known.
func (s *summary) nothing() string {
	callee := s.fault.Service
	if s.fault.Method != "" {
		callee += " " + s.fault.Method
	}
	switch {
	case s.calls == 0 && len(s.seen.Requests) >= Enough:
		return fmt.Sprintf("no calls to %s in %s", callee, humanize.Count(int64(len(s.seen.Requests)), "request"))
	case s.calls == 0 && len(s.seen.Requests) == 0 && !s.seen.Traffic:
		return "no requests yet: shopctl load start"
	case s.calls < Enough:
		return fmt.Sprintf("too few calls to tell (%d of %d)", s.calls, Enough)
	case s.hits == 0:
		return fmt.Sprintf("none of %s was affected", humanize.Count(int64(s.calls), "call"))
	}
	return fmt.Sprintf("%d of %s affected, their requests are not known", s.hits, humanize.Count(int64(s.calls), "call"))
}

// middle are the services between the broken one and those that users send requests to, which the users' part covers.
func (s *summary) middle(felt []*group) (parts []string) {
	for _, r := range s.reached {
		if !slices.ContainsFunc(felt, func(g *group) bool { return slices.Contains(g.services, r.service) }) {
			parts = append(parts, r.service+" "+r.words())
		}
	}
	return parts
}

// words are the effect on a service: "errors 48%", "p95 2.9s".
func (r *reached) words() string {
	n := len(r.all.took)
	if r.failed > 0 || n == 0 {
		return "errors " + share(r.failed, n)
	}
	if float64(r.late) < manyLate*float64(n) {
		return share(r.late, n) + " late"
	}
	return "p95 " + humanize.Duration(r.all.quantile(0.95))
}

func share(n, of int) string { return humanize.Percent(float64(n) / float64(max(1, n, of))) }

// words are the effect on requests: "47% of orders fail (31 of 66)", "orders take 903ms at p95 (4 of 4 late)".
func (g *group) words() string {
	n := len(g.all.took)
	switch {
	case g.failed > 0:
		text := g.count(g.failed, n, "fail", "fails")
		if g.timedOut*2 > g.failed {
			text = g.count(g.failed, n, "time out", "times out")
		}
		if g.late > 0 {
			text += fmt.Sprintf(", %d late", g.late)
		}
		return text
	case float64(g.late) >= manyLate*float64(n):
		return fmt.Sprintf("%s take %s at p95 (%d of %d late)", g.kind, humanize.Duration(g.all.quantile(0.95)), g.late, n)
	default:
		return g.count(g.late, n, "are late", "is late")
	}
}

// count is "3 of 4 orders fail", or of many "47% of orders fail (31 of 66)". The verb of one failure is singular.
func (g *group) count(k, n int, verb, singular string) string {
	if n >= Enough {
		return fmt.Sprintf("%s of %s %s (%d of %d)", share(k, n), g.kind, verb, k, n)
	}
	if k == 1 {
		verb = singular
	}
	return fmt.Sprintf("%d of %d %s %s", k, n, g.noun(n), verb)
}

// noun is the kind in the number of n.
func (g *group) noun(n int) string {
	head, rest, _ := strings.Cut(string(g.kind), " to ")
	if n == 1 {
		head = strings.TrimSuffix(head, "s")
	}
	if rest != "" {
		return head + " to " + rest
	}
	return head
}

// covered describes what kept the fault from users.
func (s *summary) covered() string {
	var words []string
	for _, h := range s.hidden {
		if text := s.coveredBy(h); !slices.Contains(words, text) {
			words = append(words, text)
		}
	}
	return strings.Join(words, "; ")
}

func (s *summary) coveredBy(h *hidden) string {
	switch h.How {
	case impact.Retried:
		return fmt.Sprintf("hidden: %s tries again, and %d of %s succeed then", h.Service, h.n, humanize.Count(int64(s.hits), "affected call"))
	case impact.OffPath:
		n := 0
		for _, g := range s.groups {
			if g.kind == h.kind {
				n = g.hit
			}
		}
		return fmt.Sprintf("hidden: off the critical path of %d of %d %s", min(h.n, n), n, (&group{kind: h.kind}).noun(n))
	case impact.Masked:
		return fmt.Sprintf("hidden: %s fails for another reason (%s)", h.Service, humanize.Count(int64(h.n), "call"))
	}
	rest := "its responses do not"
	if h.Service == frontend {
		rest = "its pages do not"
	}
	return h.degrades() + ", " + rest
}

// degrades describes a caller that responds without what it asked for.
func (h *hidden) degrades() string {
	verb := "fail"
	if h.n == 1 {
		verb = "fails"
	}
	return fmt.Sprintf("%s degrades: %d of its calls to %s %s", h.Service, h.n, h.Callee, verb)
}

// degrading are the callers that respond without what they asked for, where nothing but their waiting is felt.
func (s *summary) degrading(felt []*group) (parts []string) {
	if slices.ContainsFunc(felt, func(g *group) bool { return g.failed > 0 }) {
		return nil
	}
	for _, h := range s.hidden {
		if h.How == impact.Tolerated {
			parts = append(parts, h.degrades())
		}
	}
	return parts
}

// frontend is the only service with pages.
const frontend = "frontend"
