package court

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const (
	maxMoment = 4 << 20
	// lostCode is how a call ends whose request or response is lost.
	lostCode = "UNAVAILABLE"
)

// director decides about the calls of the orders on trial. Services ask it over a unix socket in a directory that only the
// user can open.
type director struct {
	dir    string
	socket string
	server *http.Server
	served chan struct{}

	mu sync.Mutex
	// of are the orders by what they are recognized by.
	of map[mark]*order
	// loading: orders are held at their points, until the kill.
	loading bool
	// inside: the checkout has points of its own.
	inside bool
}

func startDirector() (*director, error) {
	dir, err := os.MkdirTemp("", "shopctl-court-") // with permissions for the user only
	if err != nil {
		return nil, fmt.Errorf("make a directory for the court's socket: %w", err)
	}
	d := &director{dir: dir, socket: filepath.Join(dir, "s"), of: map[mark]*order{}, served: make(chan struct{})}
	l, err := net.Listen("unix", d.socket)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("listen on the court's socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+lifeline.DirectorPath, d.serve)
	d.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		defer close(d.served)
		_ = d.server.Serve(l)
	}()
	return d, nil
}

func (d *director) close() {
	_ = d.server.Close()
	<-d.served
	_ = os.RemoveAll(d.dir)
}

func (d *director) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxMoment))
	var m lifeline.Moment
	if err = errors.Join(err, json.Unmarshal(body, &m)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, hold := d.decide(m)
	if hold != nil {
		answer = wait(r.Context(), hold)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// wait waits for the end of a hold, or of the process that is held.
func wait(ctx context.Context, hold <-chan lifeline.Direction) lifeline.Direction {
	select {
	case answer := <-hold:
		return answer
	case <-ctx.Done():
		return lifeline.Direction{Code: lostCode}
	}
}

// add makes the director responsible for orders.
func (d *director) add(orders []*order) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range orders {
		for _, m := range o.marks() {
			d.of[m] = o
		}
	}
}

// decide says how an instance goes on from a moment, or where it waits for that.
func (d *director) decide(m lifeline.Moment) (answer lifeline.Direction, hold <-chan lifeline.Direction) {
	step, is := read(m)
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.of[is]
	if m.Method == "" {
		d.inside = true
	}
	if o == nil {
		return lifeline.Direction{}, nil
	}
	if step != ReadCart || o.stage == running && d.loading { // the court reads carts itself, when it reads the books
		o.moment = time.Now()
	}
	d.learn(o, step, m)
	if d.loading && o.stage == running && o.at(step, m) {
		o.stage, o.reached, o.release, o.heldAt = held, true, make(chan lifeline.Direction, 1), m
		return lifeline.Direction{}, o.release
	}
	return o.direction(step, m, d.loading), nil
}

// learn keeps by what else an order is recognized, and what is delivered late.
func (d *director) learn(o *order, step Step, m lifeline.Moment) {
	if m.Key != "" && (step == Charge || step == Ship) {
		d.of[mark{byKey, m.Key}] = o
	}
	if step == Charge && m.Point == lifeline.PointDone {
		if id := decoded[hipstershop.ChargeResponse](m.Response).GetTransactionId(); id != "" {
			d.of[mark{byTransaction, id}] = o
		}
	}
	if step == o.row.Step && m.Point == lifeline.PointArrived && o.copied == nil {
		o.copied = &m
	}
}

// at reports whether a moment is the point of the order's row.
func (o *order) at(step Step, m lifeline.Moment) bool {
	switch o.row.When {
	case Before, PreTx, PostTx:
		return m.Method == "" && m.Point == o.row.point()
	case Arrived:
		return step == o.row.Step && m.Point == lifeline.PointArrived
	case Done:
		return step == o.row.Step && m.Point == lifeline.PointDone
	case After:
		return o.replied
	}
	return false
}

// direction is what happens to a call of the order that is not held.
func (o *order) direction(step Step, m lifeline.Moment, loading bool) lifeline.Direction {
	mine := step == o.row.Step && step != ""
	switch {
	case mine && m.Point == lifeline.PointArrived && o.column == Twice && !o.doubled:
		o.doubled = true
		return lifeline.Direction{Again: true}
	case mine && m.Point == lifeline.PointDone:
		o.replied = o.row.When == After
		if o.column == Lost && !o.lost {
			o.lost = true
			return lifeline.Direction{Code: lostCode}
		}
	}
	if loading && o.row.Unshipped && step == Ship && m.Point == lifeline.PointDone {
		return lifeline.Direction{Code: lostCode}
	}
	return lifeline.Direction{}
}

// end records what the customer has got. An order that is to be killed after its last response was delivered is at its point now.
func (d *director) end(o *order, answer *hipstershop.OrderResult, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o.refuse, o.moment = err, time.Now()
	if err == nil {
		o.answer = answer
	}
	if o.stage == running {
		o.reached = o.reached || d.loading && (o.replied || o.row.Step == Answer || o.row.Victim == "")
		o.stage = ended
	}
}

// progress counts the orders that still run, and how long ago the last of them was heard of.
func (d *director) progress(orders []*order) (left int, quiet time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := time.Time{}
	for _, o := range orders {
		if o.stage == running {
			left++
		}
		if o.moment.After(last) {
			last = o.moment
		}
	}
	return left, time.Since(last)
}

// load begins to hold orders at their points.
func (d *director) load(orders []*order) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loading = true
	for _, o := range orders {
		o.moment = time.Now()
	}
}

// release ends all holds, after the instances of a workload were killed. What a killed checkout had sent and was not handled
// yet is lost, as is the response of what was.
func (d *director) release(orders []*order, killed string, isCheckout bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loading = false
	for _, o := range orders {
		if o.stage != held {
			continue
		}
		o.stage = running
		if isCheckout || o.heldAt.Workload == killed {
			o.release <- lifeline.Direction{Code: lostCode}
			continue
		}
		step, _ := read(o.heldAt)
		o.release <- o.direction(step, o.heldAt, false)
	}
}

// leave records that the customer does not call any more.
func (d *director) leave(o *order) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o.left = true
}

// heard is when an order was heard of last, and whether its customer still calls.
func (d *director) heard(o *order) (last time.Time, calling bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return o.moment, !o.left
}
