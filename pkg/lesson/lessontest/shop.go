// Package lessontest is a shop in memory for tests of lessons: a catalog that can be called, delayed,
// stopped and edited, through the same three interfaces as a real shop: the daemon's API, calls and shopctl.
package lessontest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Shop is a shop with one service, the catalog. It is safe for concurrent use.
type Shop struct {
	Now func() time.Time

	mu      sync.Mutex
	state   string
	faults  []*controlpb.Fault
	next    int
	objects map[string]*controlpb.Object
	logs    []*controlpb.LogLine
	// Commands are the command lines that were run.
	commands []string
	block    chan struct{}
	slow     time.Duration
	observed observed
}

// New returns a sound shop.
func New(now func() time.Time) *Shop {
	s := &Shop{Now: now, state: "ok", objects: map[string]*controlpb.Object{}}
	s.put("Deployment", "productcatalogservice", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"productcatalogservice","resourceVersion":"1"},"spec":{"replicas":1},"status":{"readyReplicas":1}}`)
	return s
}

// Deps are those of a session on this shop, but for progress and workspace.
func (s *Shop) Deps() lesson.Deps {
	return lesson.Deps{Shop: s, Caller: s, Runner: s, Now: s.Now}
}

// SetState changes the catalog's state.
func (s *Shop) SetState(state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
}

// Faults returns the active faults, one phrase each.
func (s *Shop) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phrases()
}

// Commands returns the command lines that were run.
func (s *Shop) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

// Object returns an object's JSON, empty if it does not exist.
func (s *Shop) Object(kind, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.objects[kind+"/"+name].GetJson())
}

// Put sets an object.
func (s *Shop) Put(kind, name, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(kind, name, content)
}

func (s *Shop) put(kind, name, content string) {
	s.objects[kind+"/"+name] = &controlpb.Object{Kind: kind, Name: name, Namespace: "production", Json: []byte(content)}
}

// Block makes commands hang until the returned function is called or their context ends.
func (s *Shop) Block() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	block := make(chan struct{})
	s.block = block
	return sync.OnceFunc(func() { close(block) })
}

// SlowCalls makes every call take so long by the clock.
func (s *Shop) SlowCalls(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = d
}

func (s *Shop) phrases() []string {
	var out []string
	for _, f := range s.faults {
		out = append(out, f.GetId()+" "+f.GetPhrase())
	}
	return out
}

// Status implements lesson.Shop.
func (s *Shop) Status(context.Context, *controlpb.StatusRequest, ...grpc.CallOption) (*controlpb.StatusResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ready := int32(0)
	if s.state == "ok" {
		ready = 1
	}
	return &controlpb.StatusResponse{Name: "test", Pid: 1, Services: []*controlpb.Service{{
		Name: "catalog", Workload: "productcatalogservice", State: s.state, Version: "v1", Replicas: 1, Ready: ready, Faults: s.phrases(),
		Instances: s.instances(),
	}}}, nil
}

// Call implements probe.Caller: GetProduct and ListProducts of the catalog.
func (s *Shop) Call(ctx context.Context, c probe.Call) (probe.Reply, error) {
	s.mu.Lock()
	slow := s.slow
	s.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return probe.Reply{}, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Service != "catalog" {
		return probe.Reply{}, &probe.Refused{Text: "no such service"}
	}
	if s.state != "ok" {
		return probe.Reply{Code: codes.Unavailable, Message: "connection refused"}, nil
	}
	took := 2 * time.Millisecond
	for _, f := range s.faults {
		took += f.GetDelay().AsDuration()
	}
	if c.Deadline > 0 && took > c.Deadline {
		s.log("call failed", codes.DeadlineExceeded)
		return probe.Reply{Code: codes.DeadlineExceeded, Message: "context deadline exceeded", Took: c.Deadline}, nil
	}
	if strings.Contains(string(c.Request), "NOPE") {
		s.log("call failed", codes.NotFound)
		return probe.Reply{Code: codes.NotFound, Message: "no product with ID NOPE", Took: took}, nil
	}
	return probe.Reply{Response: json.RawMessage(`{"id":"X","priceUsd":{"units":"19","nanos":990000000}}`), Took: took}, nil
}

func (s *Shop) log(message string, code codes.Code) {
	raw, err := json.Marshal(map[string]string{"message": message, "code": code.String()})
	if err != nil {
		raw = []byte(message)
	}
	s.logs = append(s.logs, &controlpb.LogLine{Time: timestamppb.New(s.Now()), Service: "catalog", Message: message, Level: "info", Raw: string(raw)})
}

// Write adds a line to the log of any service.
func (s *Shop) Write(service, message, raw string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs = append(s.logs, &controlpb.LogLine{Time: timestamppb.New(at), Service: service, Message: message, Level: "info", Raw: raw})
}

// Logs implements probe.Shop.
func (s *Shop) Logs(ctx context.Context, r *controlpb.LogsRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.LogLine], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []*controlpb.LogLine
	for _, l := range s.logs {
		if (r.GetService() == "" || r.GetService() == l.GetService()) && !l.GetTime().AsTime().Before(r.GetSince().AsTime()) {
			lines = append(lines, l)
		}
	}
	return &lineStream{ctx: ctx, lines: lines}, nil
}

type lineStream struct {
	grpc.ClientStream
	ctx   context.Context
	lines []*controlpb.LogLine
}

func (l *lineStream) Context() context.Context { return l.ctx }

func (l *lineStream) Recv() (*controlpb.LogLine, error) {
	if len(l.lines) == 0 {
		return nil, io.EOF
	}
	line := l.lines[0]
	l.lines = l.lines[1:]
	return line, nil
}

// Inject delays the catalog, on behalf of an owner.
func (s *Shop) Inject(owner string, delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	s.faults = append(s.faults, &controlpb.Fault{
		Id: fmt.Sprint("f", s.next), Service: "catalog", Delay: durationpb.New(delay), Owner: owner, Phrase: "+" + delay.String(),
	})
}
