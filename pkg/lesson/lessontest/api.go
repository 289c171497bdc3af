package lessontest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// ListFaults implements lesson.Faults.
func (s *Shop) ListFaults(context.Context, *controlpb.ListFaultsRequest, ...grpc.CallOption) (*controlpb.ListFaultsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &controlpb.ListFaultsResponse{Faults: slices.Clone(s.faults)}, nil
}

// ClearFaults implements lesson.Faults.
func (s *Shop) ClearFaults(_ context.Context, r *controlpb.ClearFaultsRequest, _ ...grpc.CallOption) (*controlpb.ClearFaultsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.DeleteFunc(s.faults, func(f *controlpb.Fault) bool {
		return len(r.GetIds()) == 0 || slices.Contains(r.GetIds(), f.GetId())
	})
	return &controlpb.ClearFaultsResponse{}, nil
}

// Get implements lesson.Objects.
func (s *Shop) Get(_ context.Context, r *controlpb.GetRequest, _ ...grpc.CallOption) (*controlpb.GetResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resp := &controlpb.GetResponse{}
	for key, o := range s.objects {
		if strings.HasPrefix(key, r.GetKind()+"/") && (len(r.GetNames()) == 0 || slices.Contains(r.GetNames(), o.GetName())) {
			resp.Objects = append(resp.Objects, o)
		}
	}
	return resp, nil
}

// Apply implements lesson.Objects. It can replace objects only.
func (s *Shop) Apply(_ context.Context, r *controlpb.ApplyRequest, _ ...grpc.CallOption) (*controlpb.ApplyResponse, error) {
	if !r.GetReplace() {
		return nil, errors.New("apply would keep what was added to an object")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range r.GetFiles() {
		var o struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
		}
		if err := json.Unmarshal(f.GetContent(), &o); err != nil {
			return nil, fmt.Errorf("%s: %w", f.GetName(), err)
		}
		s.put(o.Kind, o.Metadata.Name, string(f.GetContent()))
	}
	return &controlpb.ApplyResponse{}, nil
}

// Delete implements lesson.Objects.
func (s *Shop) Delete(_ context.Context, r *controlpb.DeleteRequest, _ ...grpc.CallOption) (*controlpb.DeleteResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range r.GetNames() {
		delete(s.objects, r.GetKind()+"/"+name)
	}
	return &controlpb.DeleteResponse{}, nil
}

// Run implements lesson.Runner for the commands that tests need: call catalog METHOD [JSON]
// [--deadline D], fault inject catalog --delay D, fault clear.
func (s *Shop) Run(ctx context.Context, c lesson.Command, out io.Writer) (int, error) {
	s.mu.Lock()
	s.commands = append(s.commands, strings.Join(c.Args, " "))
	block := s.block
	s.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return 130, ctx.Err()
		}
	}
	flags := map[string]time.Duration{}
	for i, a := range c.Args[:len(c.Args)-1] {
		if d, err := time.ParseDuration(c.Args[i+1]); err == nil {
			flags[a] = d
		}
	}
	switch strings.Join(c.Args[:min(len(c.Args), 2)], " ") {
	case "call catalog":
		return s.runCall(ctx, c, flags["--deadline"], out)
	case "fault inject":
		s.Inject(c.Owner, flags["--delay"])
		fmt.Fprintln(out, "fault injected")
		return 0, nil
	case "fault clear":
		_, err := s.ClearFaults(ctx, &controlpb.ClearFaultsRequest{})
		return 0, err
	case "start catalog":
		s.SetState("ok")
		return 0, nil
	case "load start":
		s.Put("Deployment", "loadgenerator", `{"kind":"Deployment","metadata":{"name":"loadgenerator"},"spec":{"template":{"spec":{"containers":[{"args":["`+strings.Join(c.Args[2:], " ")+`"]}]}}}}`)
		return 0, nil
	case "stop catalog":
		s.SetState("stopped")
		return 0, nil
	}
	return 2, errors.New("no such command: " + strings.Join(c.Args, " "))
}

func (s *Shop) runCall(ctx context.Context, c lesson.Command, deadline time.Duration, out io.Writer) (int, error) {
	call := probe.Call{Service: "catalog", Method: c.Args[2], Deadline: deadline}
	if len(c.Args) > 3 && !strings.HasPrefix(c.Args[3], "-") {
		call.Request = []byte(c.Args[3])
	}
	reply, err := s.Call(ctx, call)
	if err != nil {
		return 2, err
	}
	if reply.Code != codes.OK {
		fmt.Fprintf(out, "error: %s: %s\n", reply.Code, reply.Message)
		return 64 + int(reply.Code), nil
	}
	fmt.Fprintf(out, "%s\n", reply.Response)
	return 0, nil
}
