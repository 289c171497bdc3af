package chassis

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/rpc/code"
)

const (
	// directorPatience is how long a call is held at most.
	directorPatience = 30 * time.Second
	maxDirection     = 64 << 10
)

// director is asked about calls: see lifeline.Moment.
type director struct {
	path   string
	client *http.Client
}

// directorAt returns the director at a path, which an earlier fault may have; nil for an empty path.
func directorAt(path string, before *[]fault) *director {
	if path == "" {
		return nil
	}
	if before != nil {
		for _, f := range *before {
			if f.director != nil && f.director.path == path {
				return f.director
			}
		}
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	}
	return &director{path, &http.Client{
		Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 16, IdleConnTimeout: 10 * time.Second}, Timeout: directorPatience,
	}}
}

// ask returns how to go on. A director that does not answer changes nothing.
func (d *director) ask(m lifeline.Moment) (answer lifeline.Direction) {
	body, err := json.Marshal(m)
	if err != nil {
		return lifeline.Direction{}
	}
	resp, err := d.client.Post("http://director"+lifeline.DirectorPath, "application/json", bytes.NewReader(body))
	if err != nil {
		return lifeline.Direction{}
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxDirection))
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(content, &answer) != nil {
		return lifeline.Direction{}
	}
	return answer
}

// directed returns the fault whose director decides about calls of a method; nil if there is none.
func (t *faultTable) directed(method string) *fault {
	active := t.active.Load()
	if active == nil || isInfrastructure(method) {
		return nil
	}
	for i := range *active {
		if f := &(*active)[i]; f.director != nil && f.matches(method) {
			return f
		}
	}
	return nil
}

// direct serves a call as the director of f says.
func (t *faultTable) direct(ctx context.Context, f *fault, req any, method string, next grpc.UnaryHandler) (any, error) {
	key, _ := IdempotencyKeyOf(ctx)
	m := lifeline.Moment{Workload: t.workload, Method: method, Point: lifeline.PointArrived, Key: key, Request: wireOf(req)}
	arrived := f.director.ask(m)
	if err := f.follow(ctx, arrived); err != nil {
		return nil, err
	}
	resp, err := next(ctx, req)
	if arrived.Again {
		resp, err = next(ctx, req)
	}
	if err != nil {
		return resp, err
	}
	m.Point, m.Response = lifeline.PointDone, wireOf(resp)
	if lost := f.follow(ctx, f.director.ask(m)); lost != nil {
		return nil, lost
	}
	return resp, nil
}

// follow marks the span of a call that its director changes, and returns the error that the call ends with; nil: it goes on.
func (f *fault) follow(ctx context.Context, d lifeline.Direction) error {
	if d == (lifeline.Direction{}) {
		return nil
	}
	effect := d.Code
	if d.Again {
		effect = "delivered twice"
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("shopctl.fault", f.ID), attribute.String("shopctl.fault.effect", effect))
	if d.Code == "" {
		return nil
	}
	failure, known := code.Parse(d.Code)
	if !known || failure == codes.OK {
		failure = codes.Unknown
	}
	return status.Error(failure, "injected fault "+f.ID+": "+d.Code)
}

// wireOf is a message in protobuf's wire format; nil for what is none.
func wireOf(message any) []byte {
	m, ok := message.(proto.Message)
	if !ok {
		return nil
	}
	wire, err := proto.Marshal(m)
	if err != nil {
		return nil
	}
	return wire
}

// Reached notifies the director, if the service has one, that the service is at a point of its own, and waits for the answer. It is
// for points where a crash leaves another state behind. subject is whom it is about: the id of a user.
func (rt *Runtime) Reached(point, subject string) {
	if f := rt.faults.directed(""); f != nil {
		f.director.ask(lifeline.Moment{Workload: rt.faults.workload, Point: point, Subject: subject})
	}
}
