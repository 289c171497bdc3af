package tui

import (
	"fmt"
	"slices"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// column is one column of the table of services.
type column struct {
	title string
	width int
	// grows takes what the others leave.
	grows bool
	right bool
	// rank says which columns go first where room is short: the highest.
	rank  int
	value func(w *world, s *controlpb.Service, width int) string
}

// trendFloor is the p95 in milliseconds below which the trend stays flat.
const trendFloor = 20

// columns are all columns in the order in which they stand.
func columns(w *world) []column {
	stats := func(f func(*controlpb.Stats) string) func(*world, *controlpb.Service, int) string {
		return func(w *world, s *controlpb.Service, _ int) string {
			if s.GetStats().GetRequests() == 0 {
				return w.faint.paint(w.dash)
			}
			return f(s.GetStats())
		}
	}
	name, state := 4, 5
	for _, s := range w.services() {
		name = max(name, width(s.GetName()))
		state = max(state, width(stateOf(s))+2)
	}
	all := []column{
		{title: "NAME", width: min(name, 20), rank: 0, value: func(_ *world, s *controlpb.Service, _ int) string { return s.GetName() }},
		{title: "STATE", width: min(state, 12), rank: 1, value: func(w *world, s *controlpb.Service, _ int) string { return w.state(stateOf(s)) }},
		{title: "VERSION", width: 7, rank: 8, value: func(_ *world, s *controlpb.Service, _ int) string { return s.GetVersion() }},
		{title: "READY", width: 5, right: true, rank: 7, value: readyCell},
		{title: "RESTARTS", width: 8, right: true, rank: 9, value: restartsCell},
		{title: "REQ/S", width: 5, right: true, rank: 4, value: stats(func(st *controlpb.Stats) string { return rate(st.GetRequestsPerSecond()) })},
		{title: "ERRORS", width: 6, right: true, rank: 5, value: errorsCell},
		{title: "P50", width: 6, right: true, rank: 11, value: stats(func(st *controlpb.Stats) string { return millis(st.GetP50Ms()) })},
		{title: "P95", width: 6, right: true, rank: 2, value: stats(func(st *controlpb.Stats) string { return millis(st.GetP95Ms()) })},
		{title: "P99", width: 6, right: true, rank: 10, value: stats(func(st *controlpb.Stats) string { return millis(st.GetP99Ms()) })},
	}
	if !w.linear {
		all = append(all, column{title: "TREND", width: 5, grows: true, rank: 3, value: trendCell})
	}
	if slices.ContainsFunc(w.services(), func(s *controlpb.Service) bool { return len(s.GetFaults()) > 0 }) {
		all = append(all, column{title: "FAULTS", width: 18, grows: true, rank: 6, value: faultsCell})
	}
	return all
}

// grid is the columns that are shown, and the space between them.
type grid struct {
	columns []column
	gap     int
}

// choose takes the columns that fit into room cells, the most important first, and lets those grow that
// can. Faults get most of what is left, as words need more room than bars.
func choose(all []column, room int) grid {
	g := grid{gap: 2}
	if needed(all, g.gap) > room {
		g.gap = 1
	}
	ranked := slices.Clone(all)
	slices.SortStableFunc(ranked, func(a, b column) int { return a.rank - b.rank })
	n := len(ranked)
	for n > 1 && needed(ranked[:n], g.gap) > room {
		n--
	}
	for _, c := range all {
		if c.rank <= ranked[n-1].rank {
			g.columns = append(g.columns, c)
		}
	}
	g.grow(max(room-needed(g.columns, g.gap), 0))
	return g
}

func needed(columns []column, gap int) int {
	sum := -gap
	for _, c := range columns {
		sum += c.width + gap
	}
	return sum
}

// widest is how far the trend grows: to as many values as the daemon keeps.
const widest = 60

func (g grid) grow(left int) {
	growing := 0
	for _, c := range g.columns {
		if c.grows {
			growing++
		}
	}
	for i := range g.columns {
		c := &g.columns[i]
		switch {
		case !c.grows:
		case growing == 1:
			c.width = min(c.width+left, widest)
		default: // the trend beside the faults
			c.width += left / 4
			left -= left / 4
			growing--
		}
	}
}

func readyCell(w *world, s *controlpb.Service, _ int) string {
	text := fmt.Sprintf("%d/%d", s.GetReady(), s.GetReplicas())
	if s.GetReady() < s.GetReplicas() {
		return w.warn.paint(text)
	}
	return text
}

func restartsCell(w *world, s *controlpb.Service, _ int) string {
	if n := s.GetRestarts(); n > 0 {
		return w.warn.paint(fmt.Sprint(n))
	}
	return w.faint.paint("0")
}

func errorsCell(w *world, s *controlpb.Service, _ int) string {
	st := s.GetStats()
	switch text := percent(st.GetErrorRatio()); {
	case st.GetRequests() == 0:
		return w.faint.paint(w.dash)
	case st.GetErrorRatio() == 0:
		return w.faint.paint(text)
	case st.GetErrorRatio() < 0.05:
		return w.warn.paint(text)
	default:
		return w.bad.paint(text)
	}
}

func trendCell(w *world, s *controlpb.Service, width int) string {
	history := s.GetStats().GetP95History()
	if len(history) == 0 {
		return ""
	}
	return w.info.paint(w.spark(history, width, trendFloor))
}

func faultsCell(w *world, s *controlpb.Service, width int) string {
	return w.warn.paint(w.cut(joinFaults(s), width))
}
