package tui

import (
	"fmt"
	"slices"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// serviceColumn is a column of the table of services.
type serviceColumn = Column[*controlpb.Service]

// faultsTitle is the title of the column that is shown while a service has a fault.
const faultsTitle = "FAULTS"

// trendFloor is the p95 in milliseconds below which the trend stays flat.
const trendFloor = 20

// serviceColumns returns all columns from left to right.
func serviceColumns(w *world) []serviceColumn {
	stat := func(f func(*controlpb.Stats) string) func(*controlpb.Service, int) string {
		return func(s *controlpb.Service, _ int) string {
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
	all := []serviceColumn{
		{Title: "NAME", Width: min(name, 20), Rank: 0, Cell: func(s *controlpb.Service, _ int) string { return s.GetName() }},
		{Title: "STATE", Width: min(state, 12), Rank: 1, Cell: func(s *controlpb.Service, _ int) string { return w.state(stateOf(s)) }},
		{Title: "VERSION", Width: 7, Rank: 8, Cell: func(s *controlpb.Service, _ int) string { return s.GetVersion() }},
		{Title: "READY", Width: 5, Right: true, Rank: 7, Cell: w.readyCell},
		{Title: "RESTARTS", Width: 8, Right: true, Rank: 9, Cell: w.restartsCell},
		{Title: "REQ/S", Width: 5, Right: true, Rank: 4, Cell: stat(func(st *controlpb.Stats) string { return humanize.Rate(st.GetRequestsPerSecond()) })},
		{Title: "ERRORS", Width: 6, Right: true, Rank: 5, Cell: w.errorsCell},
		{Title: "P50", Width: 6, Right: true, Rank: 11, Cell: stat(func(st *controlpb.Stats) string { return humanize.Millis(st.GetP50Ms()) })},
		{Title: "P95", Width: 6, Right: true, Rank: 2, Cell: stat(func(st *controlpb.Stats) string { return humanize.Millis(st.GetP95Ms()) })},
		{Title: "P99", Width: 6, Right: true, Rank: 10, Cell: stat(func(st *controlpb.Stats) string { return humanize.Millis(st.GetP99Ms()) })},
	}
	if !w.linear {
		all = append(all, serviceColumn{Title: "TREND", Width: 5, Grows: true, Rank: 3, Cell: w.trendCell})
	}
	if slices.ContainsFunc(w.services(), func(s *controlpb.Service) bool { return len(s.GetFaults()) > 0 }) {
		all = append(all, serviceColumn{Title: faultsTitle, Width: 18, Grows: true, Rank: 6, Cell: w.faultsCell})
	}
	return all
}

func (w *world) readyCell(s *controlpb.Service, _ int) string {
	text := fmt.Sprintf("%d/%d", s.GetReady(), s.GetReplicas())
	if s.GetReady() < s.GetReplicas() {
		return w.warn.paint(text)
	}
	return text
}

func (w *world) restartsCell(s *controlpb.Service, _ int) string {
	if n := s.GetRestarts(); n > 0 {
		return w.warn.paint(fmt.Sprint(n))
	}
	return w.faint.paint("0")
}

func (w *world) errorsCell(s *controlpb.Service, _ int) string {
	st := s.GetStats()
	switch text := humanize.Percent(st.GetErrorRatio()); {
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

func (w *world) trendCell(s *controlpb.Service, width int) string {
	history := s.GetStats().GetP95History()
	if len(history) == 0 {
		return ""
	}
	return w.info.paint(w.spark(history, width, trendFloor))
}

func (w *world) faultsCell(s *controlpb.Service, width int) string {
	return w.warn.paint(w.cut(joinFaults(s), width))
}
