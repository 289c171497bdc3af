package chassis_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/eventually"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// directs serves a director that has an answer for each point, and records them.
type directs struct {
	socket string

	mu      sync.Mutex
	moments []lifeline.Moment
	answers map[string]lifeline.Direction
}

func startDirects(t *testing.T, answers map[string]lifeline.Direction) *directs {
	t.Helper()
	dir, err := os.MkdirTemp("", "d") // a short path: that of a socket is limited
	if err != nil {
		t.Fatal(err)
	}
	d := &directs{socket: filepath.Join(dir, "s"), answers: answers}
	l, err := net.Listen("unix", d.socket)
	if err != nil {
		t.Fatal(err)
	}
	server, served := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(d.serve)}, make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
		_ = os.RemoveAll(dir)
	})
	return d
}

func (d *directs) serve(w http.ResponseWriter, r *http.Request) {
	var m lifeline.Moment
	_ = json.NewDecoder(r.Body).Decode(&m)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.moments = append(d.moments, m)
	_ = json.NewEncoder(w).Encode(d.answers[m.Point])
}

func (d *directs) points() (points []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.moments {
		points = append(points, m.Workload+" "+m.Method+" "+m.Point+" "+m.Subject)
	}
	return points
}

func TestADirectorDecidesAboutEachCall(t *testing.T) {
	for name, tt := range map[string]struct {
		answers map[string]lifeline.Direction
		code    codes.Code
		handled int32
		points  int
	}{
		"the call is lost":         {map[string]lifeline.Direction{"arrived": {Code: "UNAVAILABLE"}}, codes.Unavailable, 0, 1},
		"its response is lost":     {map[string]lifeline.Direction{"done": {Code: "ABORTED"}}, codes.Aborted, 1, 2},
		"it is delivered twice":    {map[string]lifeline.Direction{"arrived": {Again: true}}, codes.OK, 2, 2},
		"nothing happens to it":    {nil, codes.OK, 1, 2},
		"a code that nobody knows": {map[string]lifeline.Direction{"arrived": {Code: "NO_SUCH"}}, codes.Unknown, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var handled atomic.Int32
			s := chassistest.Start(t, serving(func(context.Context, *pb.AdRequest) (*pb.AdResponse, error) {
				handled.Add(1)
				return &pb.AdResponse{}, nil
			}), nil, chassistest.WithName("adservice"))
			d := startDirects(t, nil)
			faults := []lifeline.Fault{{ID: "f1", Percent: 100, Director: d.socket}}
			s.Send(lifeline.Down{Faults: &faults})
			if !eventually.Within(30*time.Second, func() bool { return get(t, t.Context(), s) == nil && len(d.points()) > 0 }) {
				t.Fatal("the director is not asked")
			}
			d.mu.Lock()
			d.answers, d.moments = tt.answers, nil
			d.mu.Unlock()
			handled.Store(0)
			if err := get(t, t.Context(), s); status.Code(err) != tt.code {
				t.Errorf("the call ended with %v, want %s", err, tt.code)
			}
			if handled.Load() != tt.handled || len(d.points()) != tt.points {
				t.Errorf("handled %d times, want %d; points %q, want %d", handled.Load(), tt.handled, d.points(), tt.points)
			}
		})
	}
}

func TestAnInstanceGoesOnWithoutADirector(t *testing.T) {
	s := chassistest.Start(t, serving(noAds), nil)
	faults := []lifeline.Fault{{ID: "f1", Percent: 100, Director: "/nowhere/at/all"}, {ID: "f2", Percent: 100, Code: "ABORTED"}}
	s.Send(lifeline.Down{Faults: &faults})
	if !eventually.Within(30*time.Second, func() bool { return status.Code(get(t, t.Context(), s)) == codes.Aborted }) {
		t.Fatal("the other fault has no effect")
	}
	faults = faults[:1]
	s.Send(lifeline.Down{Faults: &faults})
	if !eventually.Within(30*time.Second, func() bool { return get(t, t.Context(), s) == nil }) {
		t.Error("calls fail for want of a director")
	}
}

func TestAServiceTellsItsDirectorWhereItIs(t *testing.T) {
	s := chassistest.Start(t, func(_ context.Context, rt *chassis.Runtime) error {
		pb.RegisterAdServiceServer(rt.Server(), ads{get: func(context.Context, *pb.AdRequest) (*pb.AdResponse, error) {
			rt.Reached("before commit", "alice")
			return &pb.AdResponse{}, nil
		}})
		return nil
	}, nil, chassistest.WithName("adservice"))
	if err := get(t, t.Context(), s); err != nil { // without one, it does not wait
		t.Fatal(err)
	}
	d := startDirects(t, nil)
	faults := []lifeline.Fault{{ID: "f1", Percent: 100, Director: d.socket}}
	s.Send(lifeline.Down{Faults: &faults})
	if !eventually.Within(30*time.Second, func() bool { return get(t, t.Context(), s) == nil && len(d.points()) >= 3 }) {
		t.Fatalf("points %q", d.points())
	}
	if got := d.points()[1]; got != "adservice  before commit alice" {
		t.Errorf("the second point is %q", got)
	}
}
