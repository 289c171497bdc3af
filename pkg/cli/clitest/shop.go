package clitest

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

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// FaultyShop keeps the faults that it is asked for.
type FaultyShop struct {
	FakeShop
	Faults  []*controlpb.Fault
	Injects []*controlpb.InjectFaultRequest
	Clears  []*controlpb.ClearFaultsRequest
}

func (s *FaultyShop) InjectFault(_ context.Context, r *controlpb.InjectFaultRequest) (*controlpb.InjectFaultResponse, error) {
	s.Injects = append(s.Injects, r)
	if s.Fail != nil {
		return nil, s.Fail
	}
	f := r.GetFault()
	f.Id, f.Phrase, f.Injected = "f1", "UNAVAILABLE 50% Charge, 2m left", timestamppb.New(TestNow())
	if r.GetFor() != nil {
		f.Ends = timestamppb.New(TestNow().Add(r.GetFor().AsDuration()))
	}
	return &controlpb.InjectFaultResponse{Fault: f}, nil
}

func (s *FaultyShop) ListFaults(context.Context, *controlpb.ListFaultsRequest) (*controlpb.ListFaultsResponse, error) {
	return &controlpb.ListFaultsResponse{Faults: s.Faults}, nil
}

func (s *FaultyShop) ClearFaults(_ context.Context, r *controlpb.ClearFaultsRequest) (*controlpb.ClearFaultsResponse, error) {
	s.Clears = append(s.Clears, r)
	return &controlpb.ClearFaultsResponse{Faults: s.Faults}, s.Fail
}

// MappedShop responds with a map.
type MappedShop struct {
	FaultyShop
	M    *controlpb.GetMapResponse
	Asks []*controlpb.GetMapRequest
}

func (s *MappedShop) GetMap(_ context.Context, r *controlpb.GetMapRequest) (*controlpb.GetMapResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Asks = append(s.Asks, r)
	return s.M, s.Fail
}

const BlastSentence = "payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail (31 of 66)"

// SmallMap is a map of two calls, of which one fails.
func SmallMap() *controlpb.GetMapResponse {
	bad := &controlpb.Traffic{RequestsPerSecond: 2.2, ErrorRatio: 32.0 / 66, P50Ms: 2, P95Ms: 4, P99Ms: 5, Requests: 66}
	good := &controlpb.Traffic{RequestsPerSecond: 20, P50Ms: 12, P95Ms: 38, P99Ms: 60, Requests: 600}
	return &controlpb.GetMapResponse{
		Time: timestamppb.New(TestNow()), Window: durationpb.New(30 * time.Second),
		Nodes: []*controlpb.MapNode{
			{Service: "checkout", State: "ok", Traffic: bad, CpuCores: 0.021, MemoryBytes: 7_300_000, InFlight: 0.4},
			{Service: "payment", State: "ok", Traffic: bad, CpuCores: 0.004, MemoryBytes: 9_100_000, InFlight: 0.1, Faults: []string{"UNAVAILABLE 50%"}},
			{Service: "shipping", State: "crashloop", Traffic: &controlpb.Traffic{}},
			{Service: "user", Traffic: &controlpb.Traffic{}},
		},
		Edges: []*controlpb.MapEdge{
			{Caller: "checkout", Callee: "payment", Protocol: "grpc", Traffic: bad, Failures: []string{"UNAVAILABLE"}},
			{Caller: "user", Callee: "checkout", Protocol: "grpc", Traffic: good},
		},
		Blast: []*controlpb.BlastRadius{{Service: "payment", FaultId: "f1", Sentence: BlastSentence, Steps: []*controlpb.BlastStep{
			{Service: "checkout", Effect: "errors 48%", Traffic: bad, Before: good}, {Service: "orders", Effect: "47% of orders fail (31 of 66)", Traffic: bad},
		}}},
	}
}

func SomeObjects() []*controlpb.Object {
	return []*controlpb.Object{
		Deployment("cartservice", 2, 1),
		Object("v1", "Service", "cartservice", map[string]any{"spec": map[string]any{
			"selector": map[string]any{"app": "cartservice"},
			"ports":    []any{map[string]any{"name": "grpc", "port": 7070, "targetPort": 7070}},
		}}),
		Object("v1", "ConfigMap", "colors", map[string]any{"data": map[string]any{"cart": "blue", "payment": "green"}}),
		Object("v1", "Secret", "key", map[string]any{"data": map[string]any{"token": "czNjcjN0"}}),
		Object("v1", "Namespace", "production", nil),
		Object("v1", "ServiceAccount", "cartservice", nil),
	}
}

func SomeEvents() []*controlpb.Event {
	return []*controlpb.Event{
		{Sequence: 1, Time: Ago(90 * time.Second), Type: "Normal", Reason: "Started", Service: "cart", Instance: "cartservice-5d4f-x2k4q", Message: "started"},
		{Sequence: 2, Time: Ago(5 * time.Second), Type: "Warning", Reason: "BackOff", Service: "cart", Message: "restarts in 200ms"},
	}
}

// FakeShop is a daemon that responds from its fields and records the requests.
type FakeShop struct {
	controlpb.UnimplementedShopServer
	controlpb.UnimplementedTracesServer
	controlpb.UnimplementedMetricsServer
	controlpb.UnimplementedTopologyServer
	controlpb.UnimplementedMeshServer
	controlpb.UnimplementedDeliveryServer
	Current *controlpb.StatusResponse
	Objects []*controlpb.Object
	Applied *controlpb.ApplyResponse
	Recent  []*controlpb.Event
	Lines   []*controlpb.LogLine
	Fail    error

	mu          sync.Mutex
	Edits       []*controlpb.EditRequest
	Applies     []*controlpb.ApplyRequest
	gets        []*controlpb.GetRequest
	Deletes     []*controlpb.DeleteRequest
	LogRequests []*controlpb.LogsRequest
	// Sessions are the owners of sessions, Limited the methods that were called in one.
	Sessions, Limited []string
}

func (s *FakeShop) Status(context.Context, *controlpb.StatusRequest) (*controlpb.StatusResponse, error) {
	return s.Current, s.Fail
}

func (s *FakeShop) Watch(_ *controlpb.WatchRequest, stream grpc.ServerStreamingServer[controlpb.StatusResponse]) error {
	if err := stream.Send(s.Current); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func (s *FakeShop) Edit(_ context.Context, req *controlpb.EditRequest) (*controlpb.EditResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Edits = append(s.Edits, req)
	if s.Fail != nil {
		return nil, s.Fail
	}
	resp := &controlpb.EditResponse{}
	for _, name := range req.GetServices() {
		name = name[strings.LastIndex(name, "/")+1:]
		resp.Objects = append(resp.Objects, &controlpb.AppliedObject{Object: Deployment(name, 3, 1), Action: "configured"})
	}
	return resp, nil
}

func (s *FakeShop) Apply(_ context.Context, req *controlpb.ApplyRequest) (*controlpb.ApplyResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Applies = append(s.Applies, req)
	return s.Applied, s.Fail
}

func (s *FakeShop) Get(_ context.Context, req *controlpb.GetRequest) (*controlpb.GetResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets = append(s.gets, req)
	resp := &controlpb.GetResponse{}
	for _, o := range s.Objects {
		if o.GetKind() == req.GetKind() && (len(req.GetNames()) == 0 || req.GetNames()[0] == o.GetName()) {
			resp.Objects = append(resp.Objects, o)
		}
	}
	if len(req.GetNames()) > 0 && len(resp.GetObjects()) == 0 {
		return nil, control.Error(codes.NotFound, "deployment \"nope\" not found", "shopctl get deployments", cmdutil.ExitUsage)
	}
	return resp, nil
}

// Restore returns the names that it is given as warnings.
func (s *FakeShop) Restore(_ context.Context, req *controlpb.RestoreRequest) (*controlpb.ApplyResponse, error) {
	if s.Fail != nil {
		return nil, s.Fail
	}
	return &controlpb.ApplyResponse{Warnings: req.GetServices()}, nil
}

func (s *FakeShop) Delete(_ context.Context, req *controlpb.DeleteRequest) (*controlpb.DeleteResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Deletes = append(s.Deletes, req)
	return &controlpb.DeleteResponse{Objects: s.Objects[:1]}, nil
}

func (s *FakeShop) Events(_ *controlpb.EventsRequest, stream grpc.ServerStreamingServer[controlpb.Event]) error {
	for _, e := range s.Recent {
		if err := stream.Send(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *FakeShop) Logs(req *controlpb.LogsRequest, stream grpc.ServerStreamingServer[controlpb.LogLine]) error {
	s.mu.Lock()
	s.LogRequests = append(s.LogRequests, req)
	s.mu.Unlock()
	for _, l := range s.Lines {
		if err := stream.Send(l); err != nil {
			return err
		}
	}
	return nil
}

// Ago is a time before testNow.
func Ago(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(TestNow().Add(-d)) }

// ThreeServices is a shop in which one service is well, one has a fault and one crashes.
func ThreeServices() *controlpb.StatusResponse {
	return &controlpb.StatusResponse{
		Name: "default", Pid: 4711, Url: "http://127.0.0.1:8080", Namespace: "production", Driver: "process",
		ShopctlVersion: "v1.2.3", Started: Ago(3*time.Minute + 12*time.Second), RunDir: "/run/shop", StateDir: "/state/shop",
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
					AdminAddress: "127.0.0.1:42002", Started: Ago(3 * time.Minute), MemoryBytes: 9_400_000,
					Status: "Running", Containers: []*controlpb.Container{{
						Name: "server", Image: "shopctl/cart:v1", Kind: "app", State: "running", Ready: true, Id: "process://4712",
						Address: "127.0.0.1:42001", AdminAddress: "127.0.0.1:42002", Started: Ago(3 * time.Minute),
					}},
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

// Deployment is an object as the daemon returns it.
func Deployment(name string, replicas, ready int) *controlpb.Object {
	return Object("apps/v1", "Deployment", name, map[string]any{
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

func Object(apiVersion, kind, name string, content map[string]any) *controlpb.Object {
	tree := map[string]any{
		"apiVersion": apiVersion, "kind": kind,
		"metadata": map[string]any{
			"name": name, "namespace": "production", "creationTimestamp": TestNow().Add(-95 * time.Minute).Format(time.RFC3339),
			"labels": map[string]any{"app": name},
		},
	}
	for k, v := range content {
		tree[k] = v
	}
	text, err := json.Marshal(tree)
	cmdutil.Must(err)
	return &controlpb.Object{ApiVersion: apiVersion, Kind: kind, Namespace: "production", Name: name, Json: text}
}

// Healthy is the shop of threeServices after payment was repaired.
func Healthy() *controlpb.StatusResponse {
	st := ThreeServices()
	payment := st.GetServices()[1]
	payment.State, payment.Message, payment.Ready, payment.Faults = "ok", "", 1, nil
	st.Ready, st.Faults = true, nil
	return st
}
