package api

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/observe/scrape"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// view reads the state of the shop as messages.
type view struct {
	builtin       *builtinObjects
	info          Info
	names         *names.Directory
	shop          orchestrator.Observer
	faults        *fault.Registry
	faultsChanged func() <-chan struct{}
	stats         watchedStats
	calls         Calls
	memory        *Memory
	now           func() time.Time
}

// status is the present state of the shop, and when it changes.
func (s *view) status(withStats, withMemory bool) (*controlpb.StatusResponse, *changes) {
	snap, workloads := s.shop.Snapshot()
	changed := &changes{workloads: workloads, faults: s.faultsChanged()}
	faults := s.faults.List()
	if slices.ContainsFunc(faults, func(f fault.Fault) bool { return !f.Ends.IsZero() }) {
		changed.clock = time.After(time.Second)
	}
	var stats map[string]scrape.Stats
	if withStats {
		stats, changed.stats = s.stats.Stats()
	}
	resp := &controlpb.StatusResponse{
		Name: s.info.Name, Pid: int32(os.Getpid()), Namespace: s.info.Namespace, Driver: s.info.Driver,
		ShopctlVersion: s.info.Version, Started: timestamppb.New(s.info.Started),
		RunDir: s.info.RunDir, StateDir: s.info.StateDir, PrometheusUrl: s.info.PrometheusURL,
		OtlpEndpoint: s.info.OTLP, OtlpHttpEndpoint: s.info.OTLPHTTP, Monolith: s.info.Monolith,
		Ready: snap.Ready, GoingDown: snap.GoingDown, Faults: protoFaults(faults, s.now()),
	}
	if snap.Storefront != "" {
		resp.Url = "http://" + snap.Storefront
	}
	if !snap.GoingDown {
		resp.Missing = s.builtin.missing(snap)
	}
	for _, w := range snap.Workloads {
		svc := s.protoService(w)
		markMissing(svc, resp.GetMissing())
		svc.Faults = s.faults.Phrases(w.Key.String())
		svc.Modules = s.protoModules(w)
		if withStats {
			if st, ok := stats[w.Key.String()]; ok {
				svc.Stats = protoStats(st)
			}
			if svc.GetStats().GetRequests() == 0 && w.Builtin == "" {
				if st := s.statsOfCalls(svc.GetName()); st != nil {
					svc.Stats = st
				}
			}
		}
		if withStats || withMemory {
			for i, in := range w.Instances {
				used := s.memory.Of(in, memoryPause)
				svc.Instances[i].MemoryBytes = used.Total()
				for _, c := range svc.Instances[i].GetContainers() {
					c.MemoryBytes = used[c.GetName()]
				}
			}
		}
		resp.Services = append(resp.Services, svc)
	}
	slices.SortStableFunc(resp.Services, func(a, b *controlpb.Service) int {
		return strings.Compare(roleOrder(a.GetRole())+a.GetName(), roleOrder(b.GetRole())+b.GetName())
	})
	for _, st := range snap.Startup {
		step := &controlpb.StartupStep{Service: s.names.Display(st.Workload), Started: durationpb.New(st.Started), Ready: durationpb.New(st.Ready)}
		if st.After != "" {
			step.After = s.names.Display(orchestrator.Key{Namespace: st.Workload.Namespace, Name: st.After})
		}
		resp.Startup = append(resp.Startup, step)
	}
	return resp, changed
}

// callsWindow is the time over which the calls of a service are counted whose own metrics do not say how many it serves.
const callsWindow = 10 * time.Second

// statsOfCalls are the calls of a service as spans show them: its own or, if it sends none, those of its callers. It is nil if
// there are none.
func (s *view) statsOfCalls(service string) *controlpb.Stats {
	now := s.now()
	snap := s.calls.Between(now.Add(-callsWindow), now)
	var all []servicegraph.Traffic
	for _, n := range snap.Nodes {
		if n.Service == service && n.Requests > 0 {
			all = append(all, n.Traffic)
		}
	}
	own := len(all) > 0
	for _, e := range snap.Edges {
		if !own && e.Callee == service && e.Requests > 0 {
			all = append(all, e.Traffic)
		}
	}
	if len(all) == 0 {
		return nil
	}
	st := &controlpb.Stats{WindowMs: callsWindow.Milliseconds()}
	var failed int64
	for _, t := range all {
		st.Requests += t.Requests
		failed += t.Failed
		st.P50Ms, st.P95Ms, st.P99Ms = max(st.P50Ms, millis(t.P50)), max(st.P95Ms, millis(t.P95)), max(st.P99Ms, millis(t.P99))
	}
	st.RequestsPerSecond = float64(st.Requests) / callsWindow.Seconds()
	st.ErrorRatio = float64(failed) / float64(st.Requests)
	return st
}

// markMissing makes a service that runs, and lacks something of what the shop comes with, unhealthy.
func markMissing(svc *controlpb.Service, missing []*controlpb.Missing) {
	for _, m := range missing {
		if m.GetService() == svc.GetName() && svc.GetState() == "ok" {
			svc.State, svc.Message = "unhealthy", m.GetMessage()
		}
	}
}

// roleOrder puts the shop's services first, then its stores, then what was added.
func roleOrder(role string) string {
	switch role {
	case string(services.RoleService):
		return "0"
	case string(services.RoleStore):
		return "1"
	}
	return "2"
}

func (s *view) protoService(w orchestrator.Workload) *controlpb.Service {
	svc := &controlpb.Service{
		Name: s.names.Display(w.Key), Workload: w.Name, Namespace: w.Namespace,
		State: w.State, Message: w.Message, Version: strings.Join(w.Versions, ","),
		Replicas: int32(w.Replicas), Ready: int32(w.Ready), Restarts: int32(w.Restarts),
		Address: w.Address, Role: "custom", Protocol: names.Protocol(w), Image: w.Image,
	}
	if b, ok := services.Lookup(w.Name); ok && b.Workload == w.Name && w.Namespace == s.info.Namespace {
		svc.Role = string(b.Role)
	}
	for _, name := range w.DependsOn {
		svc.DependsOn = append(svc.DependsOn, s.names.Display(orchestrator.Key{Namespace: w.Namespace, Name: name}))
	}
	for _, f := range w.Fronts {
		svc.Fronts = append(svc.Fronts, f.Service)
	}
	for _, p := range w.Ports {
		svc.Ports = append(svc.Ports, &controlpb.ServicePort{Service: p.Service, Name: p.Name, Port: p.Port, Address: p.Address})
	}
	for _, in := range w.Instances {
		svc.Instances = append(svc.Instances, protoInstance(in))
	}
	return svc
}

func protoInstance(in orchestrator.Instance) *controlpb.Instance {
	p := &controlpb.Instance{
		Name: in.Name, Version: in.Version, State: in.State, Message: in.Message, Status: in.Status,
		Address: in.Addr, Restarts: int32(in.Restarts), Started: protoTime(in.Started),
	}
	main := true // until the first container that is not an init container
	for _, c := range in.Containers {
		p.Containers = append(p.Containers, &controlpb.Container{
			Name: c.Name, Image: c.Image, Kind: string(c.Kind), State: c.State, Message: c.Message, Ready: c.Ready,
			Restarts: int32(c.Restarts), Id: c.ID, Address: c.Addr, AdminAddress: c.Admin, Started: protoTime(c.Started),
		})
		if main && c.Kind == orchestrator.AppContainer {
			p.Pid, p.AdminAddress, main = processID(c.ID), c.Admin, false
		}
	}
	return p
}

func protoTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// processID is the number in the ID of a container that is a process of this machine, else 0.
func processID(id string) int32 {
	pid, ok := strings.CutPrefix(id, "process://")
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(pid, 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

// protoModules are the modules of a monolith.
func (s *view) protoModules(w orchestrator.Workload) []*controlpb.Module {
	var all []*controlpb.Module
	for _, m := range names.Modules(w) {
		all = append(all, &controlpb.Module{
			Name: m.Name, Workload: m.Workload, Address: m.Front.Address, Protocol: m.Front.Protocol,
			Faults: s.faults.ModulePhrases(w.Key.String(), m.Workload),
		})
	}
	return all
}
