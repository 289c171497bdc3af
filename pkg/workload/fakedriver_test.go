package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing/iotest"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// fakePod implements Pod.
type fakePod struct {
	w    *world
	spec podspec.Pod
}

// fakeInstance implements Container: one run of a container, in most tests the only one of its pod.
type fakeInstance struct {
	w         *world
	spec      podspec.Pod
	c         podspec.Container
	addr      string
	listening chan struct{}
	listen    func()
	reports   chan struct{}
	done      chan struct{}

	mu    sync.Mutex
	exit  Exit
	ended bool
	// actions are what was done to it: pause, resume, stop, kill.
	actions  []string
	received lifeline.Down
	// listeners are what it reports as a sidecar.
	listeners map[string]string
	proxy     lifeline.Proxy
	// servingWhenStopped is whether calls could still be sent to it when it was asked to stop.
	servingWhenStopped bool
}

func (w *world) Plan(spec *podspec.Pod) Plan {
	w.mu.Lock()
	plan := w.plan
	w.mu.Unlock()
	if plan != nil {
		return plan(spec)
	}
	return Plan{Builtins: map[string]string{}}
}

func (w *world) Route(_, _ string, _ podspec.Reference, direct Route) Route { return direct }

func (w *world) Start(_ context.Context, spec podspec.Pod) (Pod, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.volumes[spec.Name] = spec.Volumes
	return &fakePod{w, spec}, nil
}

func (p *fakePod) Update(volumes []podspec.Volume) error {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.volumes[p.spec.Name] = volumes
	return nil
}

func (p *fakePod) Remove(context.Context) error {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.removed = append(p.w.removed, p.spec.Name)
	return nil
}

func (p *fakePod) Run(_ context.Context, c podspec.Container) (Container, error) {
	w, spec := p.w, p.spec
	w.mu.Lock()
	in := &fakeInstance{w: w, spec: spec, c: c, listening: make(chan struct{}), reports: make(chan struct{}, 1), done: make(chan struct{})}
	in.addr = fmt.Sprintf("127.0.0.1:%d", 50000+len(w.started))
	in.listen = sync.OnceFunc(func() { close(in.listening) })
	name := spec.Workload
	if len(spec.All()) > 1 {
		name += "/" + c.Name
	}
	w.started = append(w.started, name)
	behave := w.behave[spec.Workload+":"+spec.Version]
	if behave == nil {
		behave = w.behave[name]
	}
	if c.Mesh {
		behave = w.sidecar
	}
	w.running[spec.Name+"/"+c.Name] = in
	w.mu.Unlock()
	if behave == nil {
		behave = func(in *fakeInstance) { time.AfterFunc(10*time.Millisecond, in.listen) }
	}
	behave(in)
	return in, nil
}

// end ends the instance.
func (in *fakeInstance) end(e Exit) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended {
		return
	}
	in.ended, in.exit = true, e
	in.w.mu.Lock()
	delete(in.w.running, in.spec.Name+"/"+in.c.Name)
	in.w.mu.Unlock()
	close(in.done)
}

func (in *fakeInstance) ID() string { return "fake://" + in.spec.Name }

func (in *fakeInstance) Logs() io.ReadCloser {
	if in.c.Name == "hold" {
		return io.NopCloser(iotest.ErrReader(os.ErrDeadlineExceeded))
	}
	return io.NopCloser(strings.NewReader(""))
}

func (in *fakeInstance) Listening() <-chan struct{}     { return in.listening }
func (in *fakeInstance) Done() <-chan struct{}          { return in.done }
func (in *fakeInstance) Memory() int64                  { return 1 << 20 }
func (in *fakeInstance) ProcessorTime() (float64, bool) { return 0.5, true }

var errNotUp = errors.New("exit status 1")

func (in *fakeInstance) Exec(_ context.Context, command []string) ([]byte, error) {
	if in.w.exec == nil {
		return nil, errNotUp
	}
	return nil, in.w.exec(command)
}

func (in *fakeInstance) Attach(_ context.Context, command orchestrator.Command, started func()) (int, error) {
	started()
	_, err := fmt.Fprintln(command.Stdout, in.c.Name, command.Args)
	return 3, err
}

func (in *fakeInstance) Addrs() Addrs {
	select {
	case <-in.listening:
		in.mu.Lock()
		defer in.mu.Unlock()
		return Addrs{App: in.addr, Peer: in.addr, Listeners: in.listeners}
	default:
		return Addrs{}
	}
}

func (in *fakeInstance) Proxy() lifeline.Proxy {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.proxy
}

func (in *fakeInstance) Reports() <-chan struct{} { return in.reports }

func (in *fakeInstance) Exit() Exit {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.exit
}

func (in *fakeInstance) Send(m lifeline.Down) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if m.Endpoints != nil {
		in.received.Endpoints = m.Endpoints
	}
	if m.Faults != nil {
		in.received.Faults = m.Faults
	}
	if m.Wire != nil {
		in.received.Wire = m.Wire
	}
	return nil
}

// history is what was done to it so far.
func (in *fakeInstance) history() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.actions)
}

func (in *fakeInstance) act(name string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.actions = append(in.actions, name)
}

func (in *fakeInstance) Stop(ctx context.Context, grace time.Duration) error {
	in.act("stop")
	in.w.mu.Lock()
	for _, a := range in.w.addrs {
		in.servingWhenStopped = in.servingWhenStopped || slices.Contains(a.ready, in.addr)
	}
	in.w.mu.Unlock()
	time.AfterFunc(20*time.Millisecond, func() { in.end(Exit{}) })
	select {
	case <-in.done:
		return nil
	case <-time.After(grace + time.Second):
		return errors.New("it does not stop")
	}
}

func (in *fakeInstance) Pause() error {
	in.act("pause")
	return nil
}

func (in *fakeInstance) Resume() error {
	in.act("resume")
	return nil
}

func (in *fakeInstance) Kill() error {
	in.act("kill")
	in.end(Exit{Code: 128 + sigkill, Signal: sigkill})
	return nil
}
