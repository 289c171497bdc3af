package format

import (
	"strconv"
	"strings"
	"time"
)

// sinceStep stands in an expression for the time since the step began: max_over_time(up[$since]) looks at no
// sample that an earlier try has left behind.
const sinceStep = "$since"

// Reach is the probe for a step that began that long ago: its expression looks back as far as it says.
func (p Probe) Reach(since time.Duration) Probe {
	if p.PromQL == nil || !strings.Contains(p.PromQL.Expr, sinceStep) {
		return p
	}
	q := *p.PromQL
	q.Expr = reach(q.Expr, since)
	p.PromQL = &q
	return p
}

// reach writes whole seconds, one at least, since PromQL knows no empty range.
func reach(expr string, since time.Duration) string {
	seconds := max(1, int64((since+time.Second-1)/time.Second))
	return strings.ReplaceAll(expr, sinceStep, strconv.FormatInt(seconds, 10)+"s")
}
