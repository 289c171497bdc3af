package cli

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// fakeShop is a daemon that answers with what it holds and remembers what it was asked.
type fakeShop struct {
	controlpb.UnimplementedShopServer
	controlpb.UnimplementedTracesServer
	controlpb.UnimplementedMetricsServer
	controlpb.UnimplementedTopologyServer
	status  *controlpb.StatusResponse
	objects []*controlpb.Object
	applied *controlpb.ApplyResponse
	events  []*controlpb.Event
	lines   []*controlpb.LogLine
	fail    error

	mu      sync.Mutex
	edits   []*controlpb.EditRequest
	applies []*controlpb.ApplyRequest
	gets    []*controlpb.GetRequest
	deletes []*controlpb.DeleteRequest
	logs    []*controlpb.LogsRequest
}

func (s *fakeShop) Status(context.Context, *controlpb.StatusRequest) (*controlpb.StatusResponse, error) {
	return s.status, s.fail
}

func (s *fakeShop) Watch(_ *controlpb.WatchRequest, stream grpc.ServerStreamingServer[controlpb.StatusResponse]) error {
	if err := stream.Send(s.status); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func (s *fakeShop) Edit(_ context.Context, req *controlpb.EditRequest) (*controlpb.EditResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edits = append(s.edits, req)
	if s.fail != nil {
		return nil, s.fail
	}
	resp := &controlpb.EditResponse{}
	for _, name := range req.GetServices() {
		name = name[strings.LastIndex(name, "/")+1:]
		resp.Objects = append(resp.Objects, &controlpb.AppliedObject{Object: deployment(name, 3, 1), Action: "configured"})
	}
	return resp, nil
}

func (s *fakeShop) Apply(_ context.Context, req *controlpb.ApplyRequest) (*controlpb.ApplyResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applies = append(s.applies, req)
	return s.applied, s.fail
}

func (s *fakeShop) Get(_ context.Context, req *controlpb.GetRequest) (*controlpb.GetResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets = append(s.gets, req)
	resp := &controlpb.GetResponse{}
	for _, o := range s.objects {
		if o.GetKind() == req.GetKind() && (len(req.GetNames()) == 0 || req.GetNames()[0] == o.GetName()) {
			resp.Objects = append(resp.Objects, o)
		}
	}
	if len(req.GetNames()) > 0 && len(resp.GetObjects()) == 0 {
		return nil, control.Error(codes.NotFound, "deployment \"nope\" not found", "shopctl get deployments", exitUsage)
	}
	return resp, nil
}

func (s *fakeShop) Delete(_ context.Context, req *controlpb.DeleteRequest) (*controlpb.DeleteResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deletes = append(s.deletes, req)
	return &controlpb.DeleteResponse{Objects: s.objects[:1]}, nil
}

func (s *fakeShop) Events(_ *controlpb.EventsRequest, stream grpc.ServerStreamingServer[controlpb.Event]) error {
	for _, e := range s.events {
		if err := stream.Send(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *fakeShop) Logs(req *controlpb.LogsRequest, stream grpc.ServerStreamingServer[controlpb.LogLine]) error {
	s.mu.Lock()
	s.logs = append(s.logs, req)
	s.mu.Unlock()
	for _, l := range s.lines {
		if err := stream.Send(l); err != nil {
			return err
		}
	}
	return nil
}

// ago is a time before testNow.
func ago(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(testNow().Add(-d)) }

// threeServices is a shop in which one service is well, one has a fault and one crashes.
func threeServices() *controlpb.StatusResponse {
	return &controlpb.StatusResponse{
		Name: "default", Pid: 4711, Url: "http://127.0.0.1:8080", Namespace: "production", Driver: "process",
		ShopctlVersion: "v1.2.3", Started: ago(3*time.Minute + 12*time.Second), RunDir: "/run/shop", StateDir: "/state/shop",
		Startup: []*controlpb.StartupStep{
			{Service: "redis-cart", Started: durationpb.New(2 * time.Millisecond), Ready: durationpb.New(31 * time.Millisecond)},
			{Service: "cart", Started: durationpb.New(32 * time.Millisecond), Ready: durationpb.New(84 * time.Millisecond), After: "redis-cart"},
			{Service: "payment", Started: durationpb.New(2 * time.Millisecond), Ready: durationpb.New(40 * time.Millisecond)},
		},
		Services: []*controlpb.Service{
			{
				Name: "cart", Workload: "cartservice", Namespace: "production", Role: "service", State: "ok", Version: "v1",
				Replicas: 2, Ready: 2, Address: "127.0.0.1:41001", Protocol: "grpc", Image: "shopctl/cart:v1", DependsOn: []string{"redis-cart"},
				Instances: []*controlpb.Instance{{
					Name: "cartservice-5d4f-x2k4q", Version: "v1", State: "ready", Pid: 4712, Address: "127.0.0.1:42001",
					AdminAddress: "127.0.0.1:42002", Started: ago(3 * time.Minute), MemoryBytes: 9_400_000,
				}},
				Stats: &controlpb.Stats{RequestsPerSecond: 31.25, ErrorRatio: 0.015, P50Ms: 1.2, P95Ms: 48, P99Ms: 2900, Requests: 313, WindowMs: 10000},
			},
			{
				Name: "payment", Workload: "paymentservice", Namespace: "production", Role: "service", State: "crashloop",
				Message: "exit status 2: listen tcp: address already in use", Version: "v1", Replicas: 1, Restarts: 5,
				Address: "127.0.0.1:41002", Faults: []string{"UNAVAILABLE 50% Charge"},
			},
			{Name: "redis-cart", Workload: "redis-cart", Namespace: "production", Role: "store", State: "ok", Version: "alpine", Replicas: 1, Ready: 1, Address: "127.0.0.1:41003"},
		},
		Faults: []*controlpb.Fault{{Id: "f1", Service: "payment", Phrase: "UNAVAILABLE 50% Charge, 1m59s left", Owner: "cli"}},
	}
}

// deployment is an object as the daemon returns it.
func deployment(name string, replicas, ready int) *controlpb.Object {
	return object("apps/v1", "Deployment", name, map[string]any{
		"spec": map[string]any{
			"replicas": replicas,
			"selector": map[string]any{"matchLabels": map[string]any{"app": name}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"app": name, "version": "v1"}},
				"spec": map[string]any{"serviceAccountName": name, "containers": []any{map[string]any{
					"name": "server", "image": "shopctl/" + name + ":v1",
					"env":            []any{map[string]any{"name": "PORT", "value": "8080"}},
					"ports":          []any{map[string]any{"name": "grpc", "containerPort": 8080}},
					"readinessProbe": map[string]any{"grpc": map[string]any{"port": 8080}, "periodSeconds": 1, "failureThreshold": 3},
				}}},
			},
		},
		"status": map[string]any{"replicas": replicas, "readyReplicas": ready, "updatedReplicas": replicas, "availableReplicas": ready},
	})
}

func object(apiVersion, kind, name string, content map[string]any) *controlpb.Object {
	tree := map[string]any{
		"apiVersion": apiVersion, "kind": kind,
		"metadata": map[string]any{
			"name": name, "namespace": "production", "creationTimestamp": testNow().Add(-95 * time.Minute).Format(time.RFC3339),
			"labels": map[string]any{"app": name},
		},
	}
	for k, v := range content {
		tree[k] = v
	}
	text, err := json.Marshal(tree)
	must(err)
	return &controlpb.Object{ApiVersion: apiVersion, Kind: kind, Namespace: "production", Name: name, Json: text}
}
