package pane

import (
	"fmt"
	"slices"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// serviceColumn is a column of the table of services.
type serviceColumn = style.Column[*controlpb.Service]

// faultsTitle is the title of the column that is shown while a service has a fault.
const faultsTitle = "FAULTS"

// trendFloor is the p95 in milliseconds below which the trend stays flat.
const trendFloor = 20

// serviceColumns returns all columns from left to right.
func serviceColumns(state *State) []serviceColumn {
	stat := func(f func(*controlpb.Stats) string) func(*controlpb.Service, int) string {
		return func(s *controlpb.Service, _ int) string {
			if s.GetStats().GetRequests() == 0 {
				return state.Faint.Paint(state.Dash)
			}
			return f(s.GetStats())
		}
	}
	names, states := 4, 5
	for _, s := range state.Services() {
		names = max(names, style.Width(s.GetName()))
		states = max(states, style.Width(stateOf(s))+2)
	}
	all := []serviceColumn{
		{Title: "NAME", Width: min(names, 20), Rank: 0, Cell: func(s *controlpb.Service, _ int) string { return s.GetName() }},
		{Title: "STATE", Width: min(states, 12), Rank: 1, Cell: func(s *controlpb.Service, _ int) string { return state.State(stateOf(s)) }},
		{Title: "VERSION", Width: 7, Rank: 8, Cell: func(s *controlpb.Service, _ int) string { return s.GetVersion() }},
		{Title: "READY", Width: 5, Right: true, Rank: 7, Cell: state.readyCell},
		{Title: "RESTARTS", Width: 8, Right: true, Rank: 9, Cell: state.restartsCell},
		{Title: "REQ/S", Width: 5, Right: true, Rank: 4, Cell: stat(func(st *controlpb.Stats) string { return humanize.Rate(st.GetRequestsPerSecond()) })},
		{Title: "ERRORS", Width: 6, Right: true, Rank: 5, Cell: state.errorsCell},
		{Title: "P50", Width: 6, Right: true, Rank: 11, Cell: stat(func(st *controlpb.Stats) string { return humanize.Millis(st.GetP50Ms()) })},
		{Title: "P95", Width: 6, Right: true, Rank: 2, Cell: stat(func(st *controlpb.Stats) string { return humanize.Millis(st.GetP95Ms()) })},
		{Title: "P99", Width: 6, Right: true, Rank: 10, Cell: stat(func(st *controlpb.Stats) string { return humanize.Millis(st.GetP99Ms()) })},
	}
	if !state.Linear {
		all = append(all, serviceColumn{Title: "TREND", Width: 5, Grows: true, Rank: 3, Cell: state.trendCell})
	}
	if slices.ContainsFunc(state.Services(), func(s *controlpb.Service) bool { return len(s.GetFaults()) > 0 }) {
		all = append(all, serviceColumn{Title: faultsTitle, Width: 18, Grows: true, Rank: 6, Cell: state.faultsCell})
	}
	return all
}

func (state *State) readyCell(s *controlpb.Service, _ int) string {
	text := fmt.Sprintf("%d/%d", s.GetReady(), s.GetReplicas())
	if s.GetReady() < s.GetReplicas() {
		return state.Warn.Paint(text)
	}
	return text
}

func (state *State) restartsCell(s *controlpb.Service, _ int) string {
	if n := s.GetRestarts(); n > 0 {
		return state.Warn.Paint(fmt.Sprint(n))
	}
	return state.Faint.Paint("0")
}

func (state *State) errorsCell(s *controlpb.Service, _ int) string {
	st := s.GetStats()
	switch text := humanize.Percent(st.GetErrorRatio()); {
	case st.GetRequests() == 0:
		return state.Faint.Paint(state.Dash)
	case st.GetErrorRatio() == 0:
		return state.Faint.Paint(text)
	case st.GetErrorRatio() < 0.05:
		return state.Warn.Paint(text)
	default:
		return state.Bad.Paint(text)
	}
}

func (state *State) trendCell(s *controlpb.Service, width int) string {
	history := s.GetStats().GetP95History()
	if len(history) == 0 {
		return ""
	}
	return state.Info.Paint(state.spark(history, width, trendFloor))
}

func (state *State) faultsCell(s *controlpb.Service, width int) string {
	return state.Warn.Paint(state.Truncate(joinFaults(s), width))
}
