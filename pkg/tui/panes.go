package tui

import (
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/lessonpane"
	"github.com/shopctl/shopctl/pkg/tui/pane"
)

// paneView is one view of the shop or of the lesson.
type paneView interface {
	// Render draws the pane's content: at most height lines of at most width cells.
	Render(width, height int) string
	// Scroll moves by lines; in a list it moves the cursor.
	Scroll(lines int)
	// Position describes which part is in view; empty if everything is.
	Position() string
	// Filter returns the text that lines must contain; nil if the pane cannot be filtered.
	Filter() *string
}

// navigable is a pane with levels. Out goes one level up, and reports false at the top.
type navigable interface{ Out() bool }

// polledPane is a pane whose data the feed polls while it is visible.
type polledPane interface {
	// Query describes the data that the pane needs.
	Query() feed.Query
	// Forget drops the data of another query; Apply shows the result of this one.
	Forget()
	Apply(s *feed.Result)
}

// panes are all views of a screen.
type panes struct {
	lesson   *lessonpane.Pane
	services *pane.Services
	details  *pane.Details
	logs     *pane.Tail
	events   *pane.Tail
	output   *pane.Tail
	traces   *pane.Traces
	metrics  *pane.Metrics
	alerts   *pane.Alerts
	topology *pane.Map
	objects  *pane.Objects
	mesh     *pane.Mesh
	calls    *pane.Call
}

func newPanes(state *pane.State, v lesson.View, noLogs func() string) panes {
	return panes{
		lesson: lessonpane.New(state, v), services: pane.NewServices(state), details: pane.NewDetails(state),
		logs:   pane.NewTail(state, noLogs),
		events: pane.NewTail(state, func() string { return "no events yet" }),
		output: pane.NewTail(state, func() string { return "the output of commands; : runs one" }),
		traces: pane.NewTraces(state), metrics: pane.NewMetrics(state), alerts: pane.NewAlerts(state), topology: pane.NewMap(state),
		objects: pane.NewObjects(state), calls: pane.NewCall(state), mesh: pane.NewMesh(state),
	}
}

// logScope is which logs the screen shows.
type logScope struct {
	// logSeq is the number of the current log query, logQuery.
	logSeq   int
	logQuery feed.LogQuery
	// allLogs shows the logs of every service.
	allLogs bool
	// logsTrace limits the logs to those of a trace, if it is not empty.
	logsTrace string
	// logsSpan limits them further to those of a span of that trace, if it is not empty.
	logsSpan string
}

// polling is what the feed polls for the screen.
type polling struct {
	// querySeq is the number of the current query.
	querySeq int
	query    feed.Query
	// polled is the pane that the query is for, nil if no visible pane is polled.
	polled polledPane
}

func (m *model) noLogs() string {
	switch {
	case m.state.Status == nil:
		return "waiting for the shop"
	case m.logsTrace != "":
		return "none of the stored log lines belongs to it; esc goes back"
	case m.allLogs:
		return "no logs yet"
	}
	return m.state.Selected + " has not logged anything yet"
}

func (m *panes) pane(id paneID) paneView {
	switch id {
	case paneLesson:
		return m.lesson
	case paneServices:
		return m.services
	case paneLogs:
		return m.logs
	case paneEvents:
		return m.events
	case paneDetails:
		return m.details
	case paneTraces:
		return m.traces
	case paneMetrics:
		return m.metrics
	case paneAlerts:
		return m.alerts
	case paneMap:
		return m.topology
	case paneObjects:
		return m.objects
	case paneCall:
		return m.calls
	case paneMesh:
		return m.mesh
	default:
		return m.output
	}
}
