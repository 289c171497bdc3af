package topology

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
)

// DOT writes a map in Graphviz' language.
func DOT(m Map) string {
	var b strings.Builder
	b.WriteString("digraph shop {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=10];\n")
	for _, n := range nodesOf(m) {
		label, attributes := n.Service, ""
		for _, f := range n.Faults {
			label += "\n" + f
		}
		switch {
		case len(n.Faults) > 0:
			attributes = ", color=red, fontcolor=red"
		case !isWell(n.State):
			label += "\n" + n.State
			attributes = ", color=orange"
		case n.Service == user:
			attributes = ", shape=plaintext"
		}
		fmt.Fprintf(&b, "  %s [label=%s%s];\n", quoteDOT(n.Service), quoteDOT(label), attributes)
	}
	for _, e := range m.Edges {
		attributes := ""
		switch {
		case e.Traffic.Requests == 0:
			attributes = ", style=dashed, color=gray"
		case e.Traffic.ErrorRatio > 0:
			attributes = ", color=red"
		}
		if e.Asynchronous {
			attributes += ", arrowhead=open"
		}
		fmt.Fprintf(&b, "  %s -> %s [label=%s%s];\n", quoteDOT(e.Caller), quoteDOT(e.Callee), quoteDOT(edgeLabel(e)), attributes)
	}
	b.WriteString("}\n")
	return b.String()
}

// edgeLabel is the text of an edge in a drawing.
func edgeLabel(e Edge) string {
	t := e.Traffic
	if t.Requests == 0 {
		return "0/s"
	}
	label := rate(t.Rate)
	if e.Asynchronous {
		label = "asynchronous " + label
	}
	if t.ErrorRatio > 0 {
		label += ", " + humanize.Percent(t.ErrorRatio) + " errors"
	}
	return label + ", p95 " + humanize.Duration(t.P95)
}

// nodesOf are the nodes of a map, including those that only an edge names.
func nodesOf(m Map) []Node {
	known := map[string]Node{}
	for _, n := range m.Nodes {
		known[n.Service] = n
	}
	var all []Node
	for _, name := range namesOf(m) {
		n, ok := known[name]
		if !ok {
			n = Node{Service: name}
		}
		all = append(all, n)
	}
	return all
}

// quoteDOT makes a string of Graphviz' language from any name.
func quoteDOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", " ", "\x00", "").Replace(s) + `"`
}

// Mermaid writes a map as a flowchart, which Markdown on many sites draws.
func Mermaid(m Map) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	id := map[string]string{}
	var faulty []string
	for i, n := range nodesOf(m) {
		id[n.Service] = "n" + strconv.Itoa(i)
		label := n.Service
		for _, f := range n.Faults {
			label += "\n" + f
		}
		open, end := "[", "]"
		if n.Service == user {
			open, end = "([", "])"
		}
		fmt.Fprintf(&b, "  n%d%s%s%s\n", i, open, quoteMermaid(label), end)
		if len(n.Faults) > 0 {
			faulty = append(faulty, id[n.Service])
		}
	}
	var failing []string
	for i, e := range m.Edges {
		arrow := "-->"
		if e.Traffic.Requests == 0 {
			arrow = "-.->"
		}
		fmt.Fprintf(&b, "  %s %s|%s| %s\n", id[e.Caller], arrow, quoteMermaid(edgeLabel(e)), id[e.Callee])
		if e.Traffic.ErrorRatio > 0 {
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

// quoteMermaid makes a label of a flowchart, with entities for special characters.
func quoteMermaid(s string) string {
	return `"` + strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "\n", "<br/>", "\r", " ").Replace(s) + `"`
}
