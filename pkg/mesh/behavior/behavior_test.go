// Package behavior holds the mesh against its rules: each case of testdata/mesh/behavior is Istio's YAML as a user applies
// it, which real sidecars get from a real control plane, and what calls through them must do and be explained by.
package behavior

import (
	"context"
	"flag"
	"fmt"
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
	cases, certificates := readCases(t), newCertificates(t)
	rows := make([]string, len(cases))
	t.Run("case", func(t *testing.T) {
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				r := &run{t: t, c: c, s: newShop(t, authority, certificates)}
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
