package tui

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/pane"
)

// KeyGroup is the keys of one part of the screen, for the documentation.
type KeyGroup struct {
	Title string
	Keys  []Key
}

// Key is one line of the key table.
type Key struct {
	// Keys are the keys: "j k", "ctrl+d".
	Keys string
	// Name is shown on the key line; Help describes the key.
	Name, Help string
	// Command is the equivalent command line, with words in capitals for what is selected; empty if there is none.
	Command string
}

// groups are the groups of the key table, in the order of the help.
func groups() []string {
	return []string{groupLesson, groupServices, groupObserve, groupCall, groupScreen, groupMove}
}

// Keys returns the key table by group.
func Keys() []KeyGroup {
	m := exampleModel()
	var all []KeyGroup
	for _, title := range groups() {
		g := KeyGroup{Title: title}
		for i := range m.keys {
			if b := &m.keys[i]; b.group == title {
				g.Keys = append(g.Keys, Key{Keys: b.keysText(), Name: b.name, Help: b.help, Command: b.commandLine(m)})
			}
		}
		all = append(all, g)
	}
	return all
}

// keysText names a key and its alternatives.
func (b *binding) keysText() string {
	if b.shown != "" {
		return b.shown
	}
	return strings.Join(b.keys, " ")
}

// exampleModel is a screen on which everything selected has the name of its kind.
func exampleModel() *model {
	m := newModel(Config{}, nil, nil)
	m.state.Apply(&controlpb.StatusResponse{Services: []*controlpb.Service{{Name: "SERVICE"}}})
	m.traces.Apply(&feed.Result{Traces: &controlpb.ListTracesResponse{Traces: []*controlpb.TraceSummary{{TraceId: "TRACE"}}}})
	m.objects.Apply(&feed.Result{Objects: []feed.Object{{Key: resource.Key{Kind: "KIND", Name: "NAME"}}}})
	m.calls.Service = "SERVICE"
	m.calls.Fill("METHOD", "{...}")
	m.calls.ApplyResult(pane.CallResult{Trace: "TRACE"})
	return m
}
