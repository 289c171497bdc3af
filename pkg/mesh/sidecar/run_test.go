package sidecar

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeSource implements Source with the configurations that are sent to it.
type fakeSource struct {
	configs  chan *xds.Resources
	verdicts chan error
	fails    error
}

func (s fakeSource) Run(ctx context.Context, apply func(*xds.Resources) error) error {
	for s.fails == nil {
		select {
		case r := <-s.configs:
			s.verdicts <- apply(r)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.fails
}

func (s fakeSource) send(version string) error {
	s.configs <- &xds.Resources{Version: version}
	return <-s.verdicts
}

// fakeEngine implements Engine: it listens for the version that it has.
type fakeEngine struct {
	clusters atomic.Pointer[[]cluster.Stats]
	version  string
	drained  bool
	patient  bool
}

func (e *fakeEngine) Update(r *xds.Resources) error {
	if r.Version == "bad" {
		return errors.New("bad")
	}
	e.version = r.Version
	return nil
}

func (e *fakeEngine) Listeners() map[string]string {
	return map[string]string{"inbound_80": "127.0.0.1:" + strings.TrimSuffix(e.version, "'")}
}

func (e *fakeEngine) Clusters() []cluster.Stats {
	if all := e.clusters.Load(); all != nil {
		return *all
	}
	return nil
}

func (e *fakeEngine) Drain(ctx context.Context) { e.drained, e.patient = true, ctx.Err() == nil }

// running is a sidecar that runs in a test.
type running struct {
	source fakeSource
	engine *fakeEngine
	// daemon closes the daemon's end of the lifeline.
	daemon io.Closer
	ups    chan lifeline.Up
	// changed and certificate are parts of the sidecar.
	changed     chan struct{}
	certificate atomic.Pointer[x509.Certificate]
	stop        context.CancelFunc
	ended       chan error
}

func start(t *testing.T) *running {
	ctx, stop := context.WithCancel(t.Context())
	down, daemon := io.Pipe()
	reports, up := io.Pipe()
	r := &running{
		source: fakeSource{configs: make(chan *xds.Resources), verdicts: make(chan error)}, engine: &fakeEngine{},
		daemon: daemon, ups: make(chan lifeline.Up, 10), stop: stop, ended: make(chan error, 1),
		changed: make(chan struct{}),
	}
	go func() {
		_ = lifeline.Read(reports, func(m lifeline.Up) { r.ups <- m })
		close(r.ups)
	}()
	go func() {
		r.ended <- Run(ctx, Parts{Source: r.source, Engine: r.engine, Admin: "127.0.0.1:1", Certificate: r.certificate.Load, Changed: r.changed, Down: down, Up: up})
		_ = up.Close()
	}()
	return r
}

func TestASidecarReportsItsListenersBeforeItCountsAsReadyAndWhenTheyChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		for _, version := range []string{"bad", "10", "10'", "20"} {
			if err := r.source.send(version); (err != nil) != (version == "bad") {
				t.Errorf("configuration %s: %v", version, err)
			}
		}
		r.stop()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
		var got []string
		for m := range r.ups {
			if m.Listeners != nil {
				got = append(got, (*m.Listeners)["inbound_80"])
			}
			if m.Listening != nil {
				got = append(got, "ready, metrics at "+m.Listening.Admin)
			}
		}
		if want := []string{"127.0.0.1:10", "ready, metrics at 127.0.0.1:1", "127.0.0.1:20"}; !reflect.DeepEqual(got, want) {
			t.Errorf("it reported %q, want %q", got, want)
		}
		if !r.engine.drained || !r.engine.patient {
			t.Errorf("engine %+v: want it drained with time for requests in flight", r.engine)
		}
	})
}

func TestASidecarReportsItsCertificateAndWhomItEjectsOnceEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		began := time.Now()
		r.certificate.Store(&x509.Certificate{SerialNumber: big.NewInt(0x1f), NotAfter: began.Add(time.Hour)})
		r.changed <- struct{}{}
		if err := r.source.send("10"); err != nil { // it is reported before
			t.Error(err)
		}
		host := cluster.HostStats{Address: "127.0.0.1:2", Ejected: true, Since: began, EjectFor: time.Minute, Why: cluster.Consecutive5xx}
		for _, ejected := range []bool{true, true, false} {
			host.Ejected = ejected
			r.engine.clusters.Store(&[]cluster.Stats{{Name: "payment", Hosts: []cluster.HostStats{{Address: "127.0.0.1:1"}, host}}})
			r.changed <- struct{}{}
		}
		synctest.Wait()
		r.stop()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
		var got []string
		for m := range r.ups {
			if m.Proxy != nil {
				got = append(got, m.Proxy.Certificate.Serial)
				for _, e := range m.Proxy.Ejected {
					got = append(got, fmt.Sprint(e.Cluster, " ", e.Address, " ", e.Reason, " ", e.Until.Sub(began)))
				}
			}
		}
		if want := []string{"1f", "1f", "payment 127.0.0.1:2 consecutive 5xx errors 1m0s", "1f"}; !reflect.DeepEqual(got, want) {
			t.Errorf("it reported %q, want %q", got, want)
		}
	})
}

func TestASidecarEndsAtOnceWithItsDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		defer r.stop()
		_ = r.daemon.Close()
		if err := <-r.ended; !errors.Is(err, ErrLifeline) {
			t.Errorf("it ended with %v", err)
		}
		if !r.engine.drained || r.engine.patient {
			t.Errorf("engine %+v: want it closed at once", r.engine)
		}
	})
}

func TestASidecarThatCannotFollowTheControlPlaneEndsWithTheReason(t *testing.T) {
	broken := errors.New("token refused")
	err := Run(t.Context(), Parts{Source: fakeSource{fails: broken}, Engine: &fakeEngine{}})
	if !errors.Is(err, broken) {
		t.Errorf("it ended with %v", err)
	}
}

func TestABootstrapPassesThroughTheEnvironment(t *testing.T) {
	want := Bootstrap{
		ADS: "/run/ads.sock", TokenFile: filepath.Join(t.TempDir(), "token"), Ports: map[string]string{"inbound_80": "127.0.0.1:4000"},
		Node: Node{ID: "sidecar~cart-1.production", Namespace: "production", Pod: "cart-1", Workload: "cart", ServiceAccount: "cart", Labels: map[string]string{"app": "cart"}},
	}
	environ, err := want.Environ()
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	got, err := ReadBootstrap(func(name string) string { return env[name] })
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	if _, err := ReadBootstrap(func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "SHOPCTL_SIDECAR_ADS is not set") {
		t.Errorf("without variables: %v", err)
	}
}

func TestATokenIsReadOnce(t *testing.T) {
	b := Bootstrap{TokenFile: filepath.Join(t.TempDir(), "token")}
	if err := os.WriteFile(b.TokenFile, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if token, err := b.Token(); err != nil || token != "secret" {
		t.Errorf("token %q, %v", token, err)
	}
	if _, err := b.Token(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}
