package trace

import "strings"

// A sidecar sends two spans of each call between two services, so that with them every call is there twice: below the
// caller's span one of the caller's sidecar, below that one of the callee's, and below that the callee's span. Folding
// leaves the spans of the programs, each below the nearest span of a program above it.

// Attributes of spans by which the spans of proxies are known.
const (
	componentKey   = "component"
	componentProxy = "proxy"
	nodeKey        = "node_id"
	gatewayNode    = "router~"
	flagsKey       = "response_flags"
)

type foldKey struct {
	trace ID
	span  SpanID
}

// fold returns the spans without those of proxies, and how many of each trace it left out. Nothing that it gets is changed.
func fold(spans []*Span) (kept []*Span, folded map[ID]int) {
	proxies, left := map[foldKey]*Span{}, map[ID]int{}
	for _, s := range spans {
		if s.Proxy {
			proxies[foldKey{s.Trace, s.Span}] = s
		} else {
			left[s.Trace]++
		}
	}
	if len(proxies) == 0 {
		return spans, nil
	}
	var stay []foldKey
	for k, s := range proxies {
		if server := proxies[foldKey{s.Trace, s.Parent}]; standsIn(s, server) {
			stay = append(stay, k, foldKey{s.Trace, server.Span})
		} else if left[s.Trace] == 0 {
			stay = append(stay, k)
		}
	}
	for _, k := range stay {
		delete(proxies, k)
	}
	folded = map[ID]int{}
	byID := map[foldKey]*Span{}
	for _, s := range spans {
		k := foldKey{s.Trace, s.Span}
		if s.Proxy && proxies[k] != nil {
			folded[s.Trace]++
			continue
		}
		copied := *s
		copied.Parent = above(proxies, s)
		kept = append(kept, &copied)
		if byID[k] == nil {
			byID[k] = &copied
		}
	}
	for _, s := range spans {
		k := foldKey{s.Trace, s.Span}
		if owner := byID[foldKey{s.Trace, above(proxies, s)}]; owner != nil && proxies[k] != nil && byID[k] == nil {
			owner.Flags = addFlags(owner.Flags, s.Attribute(flagsKey))
		}
	}
	return kept, folded
}

// standsIn reports whether the two spans of one sidecar are all that there is of a program: it sends none, and passed on
// the context that it received, so that the sidecar's outgoing span lies directly below its incoming one. A gateway has no
// program.
func standsIn(client, server *Span) bool {
	return server != nil && client.Kind == Client && server.Kind == Server && client.Service == server.Service &&
		!Outermost(server.Trace, server.Parent) && !strings.HasPrefix(client.Attribute(nodeKey), gatewayNode)
}

// above is the parent of a span, past proxies that are folded.
func above(proxies map[foldKey]*Span, s *Span) SpanID {
	parent := s.Parent
	for range len(proxies) + 1 { // parents may form a circle
		p := proxies[foldKey{s.Trace, parent}]
		if p == nil {
			return parent
		}
		parent = p.Parent
	}
	return SpanID{}
}

// addFlags adds comma-separated flags to others, each once.
func addFlags(have []string, flags string) []string {
	for flag := range strings.SplitSeq(flags, ",") {
		known := flag == "" || flag == "-"
		for _, h := range have {
			known = known || h == flag
		}
		if !known {
			have = append(have, flag)
		}
	}
	return have
}
