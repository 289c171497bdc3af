package daemon

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/ads"
	"github.com/shopctl/shopctl/pkg/mesh/ca"
	meshcontrol "github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource/store"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

func TestTheTokenOfASidecarIsInAFileOfTheUserAlone(t *testing.T) {
	m := &mesh{dir: t.TempDir(), plane: meshcontrol.New(meshcontrol.Config{})}
	environ, err := m.Environ(podspec.Pod{Name: "cart-1", Namespace: "production", ServiceAccount: "cart"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := ""
	for _, kv := range environ {
		if name, value, _ := strings.Cut(kv, "="); name == "SHOPCTL_SIDECAR_TOKEN_FILE" {
			file = value
		}
	}
	token, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if strings.Contains(strings.Join(environ, " "), string(token)) {
		t.Error("the token is in the environment")
	}
	if caller, ok := m.plane.Authenticate(string(token)); !ok || caller.Node != "sidecar~cart-1.production" {
		t.Errorf("the token is that of %+v, %v", caller, ok)
	}
}

func TestTheViewsShowWhatASidecarHasReportedOfItself(t *testing.T) {
	const cluster = "outbound|7070||cartservice.production.svc.cluster.local"
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	reported := lifeline.Proxy{
		Certificate: lifeline.Certificate{Serial: "1f", NotBefore: began, NotAfter: began.Add(time.Hour)},
		Ejected:     []lifeline.Ejection{{Cluster: cluster, Address: "127.0.0.1:2", Reason: "consecutive 5xx errors", Since: began, Until: began.Add(time.Minute)}},
	}
	state := &orchestrator.State{}
	state.Publish(orchestrator.Snapshot{
		Workloads: []orchestrator.Workload{{Key: orchestrator.Key{Namespace: "production", Name: "frontend"}, Instances: []orchestrator.Instance{
			{Name: "frontend-1", Containers: []orchestrator.Container{{Name: workload.SidecarName, Listeners: map[string]string{}, Proxy: reported}}},
		}}},
		Endpoints: []orchestrator.Endpoint{{Pod: "cart-1", Addr: "127.0.0.1:1", PeerAddr: "127.0.0.1:2"}},
	})
	authority, err := ca.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := store.Open(store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := ads.New(authority)
	m := &mesh{authority: authority, plane: meshcontrol.New(meshcontrol.Config{Objects: objects, Observer: state, Server: server, Now: time.Now})}
	m.plane.Register(meshcontrol.Node{ID: "sidecar~frontend-1.production", Namespace: "production", Pod: "frontend-1", Workload: "frontend"})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		m.plane.Run(ctx)
		close(ended)
	}()
	defer func() {
		stop()
		<-ended
	}()
	view := meshView{mesh: m, state: state, objects: objects}
	if got := view.Sidecars()[0].Certificate; got.Serial != "1f" || !got.NotAfter.Equal(began.Add(time.Hour)) {
		t.Errorf("its certificate is %+v", got)
	}
	eventually.True(t, "the sidecar has resources", func() bool {
		_, ok := view.Held("sidecar~frontend-1.production")
		return ok
	})
	held, _ := view.Held("sidecar~frontend-1.production")
	if got := held.Live.Ejected[cluster]["127.0.0.1:2"]; got.Reason != "consecutive 5xx errors" || !got.Until.Equal(began.Add(time.Minute)) {
		t.Errorf("it has ejected %+v", held.Live.Ejected)
	}
	if got := held.Live.Instances["127.0.0.1:2"]; got != "cart-1" {
		t.Errorf("at its address is %q", got)
	}
}
