package behavior

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/mesh/explain"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/trace"
)

// traced compares attempts and the explanation by the spans of all calls, once all have come.
func (r *run) traced(held map[string]*xds.Resources) {
	spans, _ := trace.Spans(&r.s.spans)
	traces := map[string]*trace.Trace{}
	for _, t := range trace.AssembleAll(spans) {
		traces[t.ID.String()] = t
	}
	source := explain.Shop{Objects: r.s.objects.Snapshot(), Held: func(node string) *xds.Resources { return held[node] }}
	explanation := "no sidecar has seen a request\n"
	for i, k := range r.c.Calls {
		if k.Held {
			continue
		}
		r.attempts = attempts(traces[traceID(i, k.Times-1)])
		if len(k.Want.Statuses) == 0 && !k.Until && k.From != stranger && r.attempts != k.Want.Attempts {
			r.t.Errorf("call %d: %d attempts, want %d", i, r.attempts, k.Want.Attempts)
		}
		var texts []string
		for n := range k.Times {
			if t := traces[traceID(i, n)]; t != nil {
				texts = append(texts, r.text(&k, explain.Hops(t, source)))
			}
		}
		if len(texts) > 0 {
			explanation = slices.Min(texts) // of those that were drawn by lot always the same one
		}
	}
	if *update {
		if err := r.c.rewrite(explanation); err != nil {
			r.t.Fatal(err)
		}
	} else if explanation != r.c.Explain {
		r.t.Errorf("explained by\n%s\nwant\n%s", explanation, r.c.Explain)
	}
}

// attempts are those of the caller's sidecar; 0 where it has no span.
func attempts(t *trace.Trace) int {
	if t == nil {
		return 0
	}
	for _, s := range t.Spans {
		if s.Proxy && s.Kind == trace.Client {
			return s.Sidecar().Attempts
		}
	}
	return 0
}

// text is an explanation as "mesh explain" prints it, with the names of pods for their addresses, and without times.
func (r *run) text(k *call, hops []explain.Hop) string {
	var b strings.Builder
	for _, h := range hops {
		indent := strings.Repeat("  ", h.Depth)
		fmt.Fprintf(&b, "%s%s -> %s  %s  %s  %s\n", indent, cmp.Or(h.Caller, "user"), h.Callee, h.Operation, h.Status, h.Flags)
		for _, d := range h.Decisions {
			by := "default of Istio"
			if d.Object.Kind != "" {
				by = strings.TrimSpace(d.Position + " " + d.Object.Kind)
			}
			fmt.Fprintf(&b, "%s  %s: %s\n", indent, by, d.What)
			if d.Without != "" {
				fmt.Fprintf(&b, "%s    without: %s\n", indent, d.Without)
			}
		}
	}
	for _, h := range hops {
		for _, o := range h.Changed {
			fmt.Fprintln(&b, h.Remark(o))
		}
	}
	text := b.String()
	for address, pod := range r.s.names {
		if k.Times == 1 && len(k.Want.Reached) == 0 && len(r.c.Pods[payment]) > 1 || k.Want.Same || strings.Contains(string(k.Want.Reached[pod]), "..") && k.Times == 1 {
			pod = pod[:strings.LastIndexByte(pod, '-')] + "-N" // any of them
		}
		text = strings.ReplaceAll(text, address, pod)
	}
	return text
}
