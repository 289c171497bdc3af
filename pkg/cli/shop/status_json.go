package shop

import (
	"fmt"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// The JSON of ps and status is stable: fields are only added, and always present.

type serviceView struct {
	Name      string         `json:"name"`
	Workload  string         `json:"workload"`
	Namespace string         `json:"namespace"`
	Role      string         `json:"role"`
	State     string         `json:"state"`
	Message   string         `json:"message"`
	Version   string         `json:"version"`
	Replicas  int32          `json:"replicas"`
	Ready     int32          `json:"ready"`
	Restarts  int32          `json:"restarts"`
	Address   string         `json:"address"`
	Protocol  string         `json:"protocol"`
	Image     string         `json:"image"`
	DependsOn []string       `json:"depends_on"`
	Faults    []string       `json:"faults"`
	Instances []instanceView `json:"instances"`
	Modules   []moduleView   `json:"modules"`
	// Stats are set with --stats.
	Stats *statsView `json:"stats,omitempty"`
}

type moduleView struct {
	Name     string   `json:"name"`
	Workload string   `json:"workload"`
	Address  string   `json:"address"`
	Protocol string   `json:"protocol"`
	Faults   []string `json:"faults"`
}

type instanceView struct {
	Name         string          `json:"name"`
	Version      string          `json:"version"`
	State        string          `json:"state"`
	Message      string          `json:"message"`
	PID          int32           `json:"pid"`
	Address      string          `json:"address"`
	AdminAddress string          `json:"admin_address"`
	Restarts     int32           `json:"restarts"`
	Started      string          `json:"started"`
	MemoryBytes  int64           `json:"memory_bytes"`
	Status       string          `json:"status"`
	Containers   []containerView `json:"containers"`
}

type containerView struct {
	Name         string `json:"name"`
	Image        string `json:"image"`
	Kind         string `json:"kind"`
	State        string `json:"state"`
	Message      string `json:"message"`
	Ready        bool   `json:"ready"`
	ID           string `json:"id"`
	Address      string `json:"address"`
	AdminAddress string `json:"admin_address"`
	Restarts     int32  `json:"restarts"`
	Started      string `json:"started"`
}

// readyContainers is "2/3", as kubectl counts: without init containers that have completed.
func (in instanceView) readyContainers() string {
	ready, total := 0, 0
	for _, c := range in.Containers {
		if c.Kind == "init" {
			continue
		}
		total++
		if c.Ready {
			ready++
		}
	}
	return fmt.Sprintf("%d/%d", ready, total)
}

type statsView struct {
	RequestsPerSecond float64 `json:"requests_per_second"`
	ErrorRatio        float64 `json:"error_ratio"`
	P50Ms             float64 `json:"p50_ms"`
	P95Ms             float64 `json:"p95_ms"`
	P99Ms             float64 `json:"p99_ms"`
	Requests          int64   `json:"requests"`
	WindowMs          int64   `json:"window_ms"`
}

type servicesView struct {
	Services []serviceView `json:"services"`
}

func (v servicesView) Names() []string {
	names := make([]string, len(v.Services))
	for i, s := range v.Services {
		names[i] = s.Name
	}
	return names
}

type statusView struct {
	Name           string        `json:"name"`
	Ready          bool          `json:"ready"`
	GoingDown      bool          `json:"going_down"`
	PID            int32         `json:"pid"`
	URL            string        `json:"url"`
	Namespace      string        `json:"namespace"`
	Driver         string        `json:"driver"`
	ShopctlVersion string        `json:"shopctl_version"`
	Started        string        `json:"started"`
	RunDir         string        `json:"run_dir"`
	StateDir       string        `json:"state_dir"`
	OTLPEndpoint   string        `json:"otlp_endpoint"`
	PrometheusURL  string        `json:"prometheus_url"`
	OTLPHTTP       string        `json:"otlp_http_endpoint"`
	Startup        []startupView `json:"startup"`
	Faults         []faultView   `json:"faults"`
	Services       []serviceView `json:"services"`
	Missing        []missingView `json:"missing"`
}

func (v statusView) Names() []string { return []string{v.Name} }

type startupView struct {
	Service   string  `json:"service"`
	StartedMs float64 `json:"started_ms"`
	ReadyMs   float64 `json:"ready_ms"`
	After     string  `json:"after"`
}

type faultView struct {
	ID      string `json:"id"`
	Service string `json:"service"`
	Phrase  string `json:"phrase"`
	Owner   string `json:"owner"`
}

func viewServices(all []*controlpb.Service) []serviceView {
	views := make([]serviceView, len(all))
	for i, s := range all {
		views[i] = viewService(s)
	}
	return views
}

func viewModules(all []*controlpb.Module) []moduleView {
	views := make([]moduleView, len(all))
	for i, m := range all {
		views[i] = moduleView{m.GetName(), m.GetWorkload(), m.GetAddress(), m.GetProtocol(), cmdutil.NotNil(m.GetFaults())}
	}
	return views
}

func viewContainers(all []*controlpb.Container) []containerView {
	views := make([]containerView, len(all))
	for i, c := range all {
		views[i] = containerView{
			Name: c.GetName(), Image: c.GetImage(), Kind: c.GetKind(), State: c.GetState(), Message: c.GetMessage(),
			Ready: c.GetReady(), ID: c.GetId(), Address: c.GetAddress(), AdminAddress: c.GetAdminAddress(),
			Restarts: c.GetRestarts(), Started: cmdutil.RFC3339(c.GetStarted()),
		}
	}
	return views
}

func viewService(s *controlpb.Service) serviceView {
	v := serviceView{
		Name: s.GetName(), Workload: s.GetWorkload(), Namespace: s.GetNamespace(), Role: s.GetRole(),
		State: s.GetState(), Message: s.GetMessage(), Version: s.GetVersion(),
		Replicas: s.GetReplicas(), Ready: s.GetReady(), Restarts: s.GetRestarts(),
		Address: s.GetAddress(), Protocol: s.GetProtocol(), Image: s.GetImage(),
		DependsOn: cmdutil.NotNil(s.GetDependsOn()), Faults: cmdutil.NotNil(s.GetFaults()),
		Instances: make([]instanceView, len(s.GetInstances())), Modules: viewModules(s.GetModules()),
	}
	for i, in := range s.GetInstances() {
		v.Instances[i] = instanceView{
			Name: in.GetName(), Version: in.GetVersion(), State: in.GetState(), Message: in.GetMessage(),
			PID: in.GetPid(), Address: in.GetAddress(), AdminAddress: in.GetAdminAddress(),
			Restarts: in.GetRestarts(), Started: cmdutil.RFC3339(in.GetStarted()), MemoryBytes: in.GetMemoryBytes(),
			Status: in.GetStatus(), Containers: viewContainers(in.GetContainers()),
		}
	}
	if st := s.GetStats(); st != nil {
		v.Stats = &statsView{
			RequestsPerSecond: st.GetRequestsPerSecond(), ErrorRatio: st.GetErrorRatio(),
			P50Ms: st.GetP50Ms(), P95Ms: st.GetP95Ms(), P99Ms: st.GetP99Ms(),
			Requests: st.GetRequests(), WindowMs: st.GetWindowMs(),
		}
	}
	return v
}

func viewStatus(ios *iostreams.IO, st *controlpb.StatusResponse) statusView {
	v := statusView{
		Name: st.GetName(), Ready: st.GetReady() && len(st.GetMissing()) == 0, GoingDown: st.GetGoingDown(), PID: st.GetPid(), URL: st.GetUrl(), Namespace: st.GetNamespace(),
		Driver: st.GetDriver(), ShopctlVersion: st.GetShopctlVersion(), Started: cmdutil.RFC3339(st.GetStarted()),
		RunDir: st.GetRunDir(), StateDir: st.GetStateDir(), OTLPEndpoint: st.GetOtlpEndpoint(), OTLPHTTP: st.GetOtlpHttpEndpoint(),
		PrometheusURL: st.GetPrometheusUrl(),
		Startup:       make([]startupView, len(st.GetStartup())),
		Faults:        make([]faultView, len(st.GetFaults())),
		Services:      viewServices(st.GetServices()),
		Missing:       viewMissing(ios, st.GetMissing()),
	}
	for i, s := range st.GetStartup() {
		v.Startup[i] = startupView{
			Service: s.GetService(), After: s.GetAfter(),
			StartedMs: cmdutil.Millis(s.GetStarted().AsDuration()), ReadyMs: cmdutil.Millis(s.GetReady().AsDuration()),
		}
	}
	for i, f := range st.GetFaults() {
		v.Faults[i] = faultView{ID: f.GetId(), Service: f.GetService(), Phrase: f.GetPhrase(), Owner: f.GetOwner()}
	}
	return v
}
