package topology

import (
	"fmt"
	"strconv"
	"strings"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// DOT writes a map in Graphviz' language.
func DOT(m *controlpb.GetMapResponse) string {
	var b strings.Builder
	b.WriteString("digraph shop {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=10];\n")
	for _, n := range nodesOf(m) {
		label, attributes := n.GetService(), ""
		for _, f := range n.GetFaults() {
			label += "\n" + f
		}
		switch {
		case len(n.GetFaults()) > 0:
			attributes = ", color=red, fontcolor=red"
		case !isWell(n.GetState()):
			label += "\n" + n.GetState()
			attributes = ", color=orange"
		case n.GetService() == user:
			attributes = ", shape=plaintext"
		}
		fmt.Fprintf(&b, "  %s [label=%s%s];\n", quoteDOT(n.GetService()), quoteDOT(label), attributes)
	}
	for _, e := range m.GetEdges() {
		attributes := ""
		switch {
		case e.GetTraffic().GetRequests() == 0:
			attributes = ", style=dashed, color=gray"
		case e.GetTraffic().GetErrorRatio() > 0:
			attributes = ", color=red"
		}
		fmt.Fprintf(&b, "  %s -> %s [label=%s%s];\n", quoteDOT(e.GetCaller()), quoteDOT(e.GetCallee()), quoteDOT(edgeLabel(e)), attributes)
	}
	b.WriteString("}\n")
	return b.String()
}

// edgeLabel is what a drawing writes on an edge.
func edgeLabel(e *controlpb.MapEdge) string {
	t := e.GetTraffic()
	if t.GetRequests() == 0 {
		return "0/s"
	}
	label := Rate(t.GetRequestsPerSecond())
	if t.GetErrorRatio() > 0 {
		label += ", " + Percent(t.GetErrorRatio()) + " errors"
	}
	return label + ", p95 " + ms(t.GetP95Ms())
}

// nodesOf are the nodes of a map, those included that only an edge names.
func nodesOf(m *controlpb.GetMapResponse) []*controlpb.MapNode {
	known := map[string]*controlpb.MapNode{}
	for _, n := range m.GetNodes() {
		known[n.GetService()] = n
	}
	var all []*controlpb.MapNode
	for _, name := range namesOf(m) {
		if known[name] == nil {
			known[name] = &controlpb.MapNode{Service: name}
		}
		all = append(all, known[name])
	}
	return all
}

// quoteDOT makes a string of Graphviz' language: any name is a safe one.
func quoteDOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", " ", "\x00", "").Replace(s) + `"`
}

// Mermaid writes a map as a flowchart, which Markdown on many sites draws.
func Mermaid(m *controlpb.GetMapResponse) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	id := map[string]string{}
	var faulty []string
	for i, n := range nodesOf(m) {
		id[n.GetService()] = "n" + strconv.Itoa(i)
		label := n.GetService()
		for _, f := range n.GetFaults() {
			label += "\n" + f
		}
		open, end := "[", "]"
		if n.GetService() == user {
			open, end = "([", "])"
		}
		fmt.Fprintf(&b, "  n%d%s%s%s\n", i, open, quoteMermaid(label), end)
		if len(n.GetFaults()) > 0 {
			faulty = append(faulty, id[n.GetService()])
		}
	}
	var failing []string
	for i, e := range m.GetEdges() {
		arrow := "-->"
		if e.GetTraffic().GetRequests() == 0 {
			arrow = "-.->"
		}
		fmt.Fprintf(&b, "  %s %s|%s| %s\n", id[e.GetCaller()], arrow, quoteMermaid(edgeLabel(e)), id[e.GetCallee()])
		if e.GetTraffic().GetErrorRatio() > 0 {
			failing = append(failing, strconv.Itoa(i))
		}
	}
	if len(faulty) > 0 {
		fmt.Fprintf(&b, "  classDef fault stroke:#c00,color:#c00\n  class %s fault\n", strings.Join(faulty, ","))
	}
	if len(failing) > 0 {
		fmt.Fprintf(&b, "  linkStyle %s stroke:#c00\n", strings.Join(failing, ","))
	}
	return b.String()
}

// quoteMermaid makes a label of a flowchart: entities stand for what the language would read.
func quoteMermaid(s string) string {
	return `"` + strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "\n", "<br/>", "\r", " ").Replace(s) + `"`
}
