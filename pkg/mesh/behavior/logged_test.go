package behavior

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// hasFields compares fields; those that are wanted absent must be.
func (r *run) hasFields(what string, want, have map[string]string) {
	for name, value := range want {
		got, ok := have[name]
		if !ok {
			got = "absent"
		}
		if got != value {
			r.t.Errorf("%s of %s is %q, want %q", name, what, got, value)
		}
	}
}

// logged compares the lines of the access logs, at the caller's sidecar and at the callees'.
func (r *run) logged(k *call, i, times int) {
	r.flags, r.ended = "", ""
	if k.From != stranger {
		lines := r.lines(callerPod(k.From), k, i, times)
		for n, l := range lines {
			if len(k.Want.Statuses) == 0 && !k.Until && l.flags != k.Want.Flags {
				r.t.Errorf("call %d, time %d: flags %s (%s), want %s", i, n+1, l.flags, l.details, k.Want.Flags)
			}
			if r.flags, r.ended = l.flags, endedBy(l); k.Want.Ended != "" && r.ended != k.Want.Ended {
				r.t.Errorf("call %d, time %d: ended by %s (%s), want %s", i, n+1, r.ended, l.details, k.Want.Ended)
			}
		}
	}
	if k.Want.Inbound == nil {
		return
	}
	var got []string
	same := eventually.Within(patience, func() bool {
		got = nil
		for _, name := range slices.Sorted(maps.Keys(r.s.sidecars)) {
			if name == callerPod(k.From) {
				continue
			}
			for _, l := range logLines(r.s.sidecars[name].log.String()) {
				if l.requestID == requestID(i, times-1) || kindOf(k.To) == "tcp" {
					got = append(got, name+" "+l.flags)
				}
			}
		}
		return slices.Equal(got, k.Want.Inbound)
	})
	if !same {
		r.t.Errorf("call %d: at the callees %q, want %q", i, got, k.Want.Inbound)
	}
}

// lines are those of a call, which are waited for.
func (r *run) lines(pod string, k *call, i, times int) []logLine {
	log := &r.s.sidecars[pod].log
	prefix := fmt.Sprintf("call-%d-", i)
	var found []logLine
	if !eventually.Within(patience, func() bool {
		found = nil
		for _, l := range logLines(log.String()) {
			if strings.HasPrefix(l.requestID, prefix) || kindOf(k.To) == "tcp" {
				found = append(found, l)
			}
		}
		return len(found) >= times
	}) {
		r.t.Errorf("call %d: %d lines in the log, want %d", i, len(found), times)
	}
	if kindOf(k.To) == "tcp" {
		found = found[max(0, len(found)-1):]
	}
	return found
}

// arrived compares what has come to the programs.
func (r *run) arrived(k *call, before map[string]int) {
	for name, want := range k.Want.Reached {
		p := r.s.programs[name]
		if p == nil {
			r.t.Fatalf("there is no pod %q", name)
		}
		n := 0
		if !eventually.Within(patience, func() bool {
			n, _ = p.state()
			return want.has(n - before[name])
		}) {
			r.t.Errorf("%s was called %d times, want %s", name, n-before[name], want)
		}
	}
	called := 0
	for name, n := range r.reached() {
		if n > before[name] {
			called++
		}
	}
	if k.Want.Same && called != 1 {
		r.t.Errorf("%d programs were called, want one", called)
	}
	if k.Want.Received == nil {
		return
	}
	for name := range before {
		if n, fields := r.s.programs[name].state(); n > before[name] {
			r.hasFields("the request at "+name, k.Want.Received, fields)
			return
		}
	}
	r.t.Error("no program was called")
}
