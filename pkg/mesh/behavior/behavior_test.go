// Package behavior holds the mesh against its rules: each case of testdata/mesh/behavior is Istio's YAML as a user applies
// it, which real sidecars get from a real control plane, and what calls through them must do and be explained by.
package behavior

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/ca"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if atOnce := flag.Lookup("test.parallel"); atOnce.Value.String() == atOnce.DefValue {
		_ = atOnce.Value.Set("8") // most cases wait: for a timeout, a delay or a tick
	}
	goleak.VerifyTestMain(m)
}

var update = flag.Bool("update", false, "write what is explained into the cases; read it before it is committed")

// patience is how long is waited for what must come; it is not measured.
const patience = 30 * time.Second

func TestSidecarsFollowTheRules(t *testing.T) {
	authority, err := ca.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	cases := readCases(t)
	rows := make([]string, len(cases))
	t.Run("case", func(t *testing.T) {
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				r := &run{t: t, c: c, s: newShop(t, authority)}
				r.all()
				rows[i] = r.row()
			})
		}
	})
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CASE\tSTATUS\tFLAGS\tATTEMPTS\tENDED BY\tRULE")
	for _, row := range rows {
		fmt.Fprintln(w, row)
	}
	_ = w.Flush()
	t.Logf("%d cases\n%s", len(cases), table.String())
}

// run is a case that runs.
type run struct {
	t *testing.T
	c *behaviorCase
	s *shop

	status, flags, ended string // of the last call
	attempts             int
}

func (r *run) row() string {
	verdict := ""
	if r.t.Failed() {
		verdict = "FAILED: "
	}
	return fmt.Sprintf("%s\t%s\t%s\t%d\t%s\t%s%s", r.c.name, r.status, r.flags, r.attempts, r.ended, verdict, r.c.Rule)
}

func (r *run) all() {
	programs, stopPrograms := context.WithCancel(context.Background())
	defer stopPrograms()
	r.s.start(programs, r.c)
	r.warned(r.s.apply(r.c.name+".yaml", r.c.objects))
	r.s.inForce()
	c := newClient(r.s)
	held, release := context.WithCancel(r.t.Context())
	defer release()
	var open sync.WaitGroup
	defer open.Wait()
	for i := range r.c.Calls {
		k := &r.c.Calls[i]
		if k.Apply != "" {
			r.s.apply("change.yaml", k.Apply)
			r.s.inForce()
		}
		if k.Held {
			r.hold(held, &open, c, k, i)
			continue
		}
		r.call(c, k, i)
	}
	resources := r.s.held()
	if r.c.Change != "" {
		r.s.apply("change.yaml", r.c.Change)
	}
	release()
	open.Wait()
	stopPrograms()
	r.s.end()
	r.traced(resources)
}

// hold makes calls at the same time that are left open, and waits until they are where they stay.
func (r *run) hold(ctx context.Context, open *sync.WaitGroup, c *client, k *call, i int) {
	before := r.reached()
	var mu sync.Mutex
	statuses := map[string]int{}
	for n := range k.Times {
		open.Go(func() {
			out := c.do(ctx, k, i, n)
			mu.Lock()
			defer mu.Unlock()
			statuses[out.status]++
		})
	}
	if !eventually.Within(patience, func() bool {
		mu.Lock()
		defer mu.Unlock()
		for status, want := range k.Want.Statuses {
			if !want.has(statuses[status]) {
				return false
			}
		}
		now := r.reached()
		for name, want := range k.Want.Reached {
			if !want.has(now[name] - before[name]) {
				return false
			}
		}
		return true
	}) {
		r.t.Errorf("calls that are left open: statuses %v, reached %v after %v; want %v, %v", statuses, r.reached(), before, k.Want.Statuses, k.Want.Reached)
	}
}

func (r *run) warned(warnings []string) {
	for _, want := range r.c.Warns {
		if !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, want) }) {
			r.t.Errorf("there is no warning %q among %q", want, warnings)
		}
	}
}

// reached is how many requests have come to each program.
func (r *run) reached() map[string]int {
	all := map[string]int{}
	for name, p := range r.s.programs {
		all[name], _ = p.state()
	}
	return all
}

// call makes a call as often as it says, and holds it against what is wanted.
func (r *run) call(c *client, k *call, i int) {
	before := r.reached()
	statuses := map[string]int{}
	var last outcome
	n := 0
	for ; n < k.Times; n++ {
		last = c.do(r.t.Context(), k, i, n)
		statuses[last.status]++
		if k.Want.Status != "" && !k.Until && (last.status != k.Want.Status || k.Want.Message != "" && strings.TrimSpace(last.message) != k.Want.Message) {
			r.t.Errorf("call %d: %s %q, want %s %q", i, last.status, last.message, k.Want.Status, k.Want.Message)
		}
	}
	if k.Until && !eventually.Within(patience, func() bool {
		if last.status == k.Want.Status {
			return true
		}
		last = c.do(r.t.Context(), k, i, n)
		n++
		return false
	}) {
		r.t.Errorf("call %d still ends with %s", i, last.status)
	}
	for status, want := range k.Want.Statuses {
		if !want.has(statuses[status]) {
			r.t.Errorf("call %d: statuses %v, want %s %s times", i, statuses, status, want)
		}
	}
	r.hasFields("the response", k.Want.Headers, last.headers)
	r.status = last.status
	r.logged(k, i, n)
	r.arrived(k, before)
}

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
