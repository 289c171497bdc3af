package tui

import "strings"

// paneID identifies a pane, in the order of the keys.
type paneID int

const (
	paneLesson paneID = iota + 1
	paneServices
	paneLogs
	paneEvents
	paneDetails
	paneOutput
	paneTraces
	paneMetrics
	paneAlerts
	paneMap
	paneObjects
	paneCall
	paneMesh
)

// paneKeys are the keys of the panes in order.
const paneKeys = "1234567890oiM"

// key is the key of a pane.
func (id paneID) key() string { return paneKeys[id-1 : id] }

// paneWithKey is the pane of a key.
func paneWithKey(key string) paneID { return paneID(strings.Index(paneKeys, key) + 1) }

func (id paneID) name() string {
	switch id {
	case paneLesson:
		return "Lesson"
	case paneServices:
		return "Services"
	case paneLogs:
		return "Logs"
	case paneEvents:
		return "Events"
	case paneDetails:
		return "Details"
	case paneTraces:
		return "Traces"
	case paneMetrics:
		return "Metrics"
	case paneAlerts:
		return "Alerts"
	case paneMap:
		return "Map"
	case paneObjects:
		return "Objects"
	case paneCall:
		return "Call"
	case paneMesh:
		return "Mesh"
	default:
		return "Output"
	}
}

// The smallest screen that shows anything.
const (
	minWidth  = 50
	minHeight = 15
)

// size is the class of a screen.
type size int

const (
	tooSmall size = iota
	small         // one pane with tabs
	medium        // the lesson and one pane with tabs beside it
	large         // the lesson, and beside it the services and one pane with tabs
)

// beside is the slot that shows a pane next to the lesson; false if the lesson is alone on the screen.
func beside(slots []slot, id paneID) (slot, bool) {
	for _, s := range slots {
		if s.has(id) && !s.has(paneLesson) {
			return s, true
		}
	}
	return slot{}, false
}

func sizeOf(width, height int, linear bool) size {
	switch {
	case width < minWidth || height < minHeight:
		return tooSmall
	case linear || width < 80 || height < 24:
		return small
	case width < 120 || height < 30:
		return medium
	}
	return large
}

// slot is an area of the screen: one pane, or several as tabs.
type slot struct {
	panes      []paneID
	x, y, w, h int
}

func (s slot) has(id paneID) bool {
	for _, p := range s.panes {
		if p == id {
			return true
		}
	}
	return false
}

// plan is the input of the layout.
type plan struct {
	size          size
	width, height int // of the area for panes
	top           int
	lesson        bool
	mesh          bool   // a sidecar runs
	services      int    // how many there are
	zoomed        paneID // 0: none
	// tall is true if the visible tab needs height.
	tall bool
}

// arrange lays out the panes.
func arrange(p plan) []slot {
	tabs := []paneID{paneLogs, paneEvents, paneDetails, paneOutput, paneTraces, paneMetrics, paneAlerts, paneMap, paneObjects, paneCall}
	if p.mesh {
		tabs = append(tabs, paneMesh)
	}
	all := append([]paneID{paneServices}, tabs...)
	if p.lesson {
		all = append([]paneID{paneLesson}, all...)
	}
	whole := slot{panes: all, y: p.top, w: p.width, h: p.height}
	table := p.services
	if table == 0 {
		table = 12 // as many as the shop has by default, until their number is known
	}
	services := func(most int) int {
		if p.tall {
			most = min(most, max(p.height-tallTab, 6))
		}
		return min(table+3, most)
	}
	switch {
	case p.zoomed != 0:
		whole.panes = []paneID{p.zoomed}
		return []slot{whole}
	case p.size == small:
		return []slot{whole}
	case !p.lesson:
		return stack(slot{y: p.top, w: p.width, h: p.height}, services(max(p.height-7, p.height*2/3)), tabs)
	case p.size == medium:
		left := p.width / 2
		return []slot{
			{panes: []paneID{paneLesson}, y: p.top, w: left, h: p.height},
			{panes: all[1:], x: left, y: p.top, w: p.width - left, h: p.height},
		}
	}
	left := p.width * 42 / 100
	lesson := slot{panes: []paneID{paneLesson}, y: p.top, w: left, h: p.height}
	return append([]slot{lesson}, stack(slot{x: left, y: p.top, w: p.width - left, h: p.height}, services(p.height*3/5), tabs)...)
}

// tallTab is the height up to which a tab that needs it takes lines from the services.
const tallTab = 20

// stack puts the services above the tabs.
func stack(area slot, height int, tabs []paneID) []slot {
	top, below := area, area
	top.panes, top.h = []paneID{paneServices}, height
	below.panes, below.y, below.h = tabs, area.y+height, area.h-height
	return []slot{top, below}
}

// compose joins the drawn slots into lines of the screen. Slots that share a line are ordered from left to right.
func compose(slots []slot, drawn [][]string, top, height int) []string {
	lines := make([]string, height)
	for i, s := range slots {
		for j, line := range drawn[i] {
			if at := s.y - top + j; at >= 0 && at < height {
				lines[at] += line
			}
		}
	}
	return lines
}
