package workload

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
	"github.com/shopctl/shopctl/pkg/workload/proxy"
)

// prober checks one run of a container. Close ends its connections.
type prober struct {
	addr  string
	ports []podspec.Port
	// own is the container, if its ports are all its own.
	own  PortListener
	exec Execer
	// service is the service's own check in place of tcpSocket, with its environment; nil: it has none.
	service Check
	env     []string
	// mu guards the making of the two clients: liveness and readiness are probed side by side.
	mu   sync.Mutex
	conn *grpc.ClientConn
	http *http.Client
}

func newProber(handle Container, spec podspec.Container, service Check) *prober {
	p := &prober{addr: handle.Addrs().App, ports: spec.Ports, exec: handle, service: service, env: spec.Env}
	p.own, _ = handle.(PortListener)
	return p
}

func (p *prober) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil {
		_ = p.conn.Close()
	}
	if p.http != nil {
		p.http.CloseIdleConnections()
	}
}

// check runs one probe. It is safe for concurrent use.
func (p *prober) check(ctx context.Context, probe *probe) error {
	switch {
	case probe.GRPC != nil:
		return p.grpcCheck(ctx, probe.GRPC)
	case probe.HTTPGet != nil:
		return p.httpCheck(ctx, probe.HTTPGet)
	case probe.TCPSocket != nil:
		return p.tcpCheck(ctx, probe.TCPSocket, probe.kind)
	case probe.Exec != nil:
		return p.execCheck(ctx, probe.Exec.Command)
	}
	return nil
}

// target is where a port of the manifest is found: a port that the container declares, or any where it declares none, is
// where the container listens; another is one of the same host. A probe may name another host instead.
func (p *prober) target(host string, port intstr.IntOrString) (string, error) {
	if host != "" && host != "localhost" && host != proxy.Host {
		if port.Type == intstr.String {
			return "", fmt.Errorf("port %q of host %s: give its number", port.StrVal, host)
		}
		return net.JoinHostPort(host, strconv.Itoa(int(port.IntVal))), nil
	}
	if port.Type == intstr.String {
		i := slices.IndexFunc(p.ports, func(c podspec.Port) bool { return c.Name == port.StrVal })
		if i < 0 {
			return "", fmt.Errorf("the container has no port named %q", port.StrVal)
		}
		port = intstr.FromInt32(p.ports[i].Number)
	}
	if p.own != nil {
		app, _ := p.own.AddrsOf(port.IntVal)
		return app, nil
	}
	declared := func(c podspec.Port) bool { return c.Number == port.IntVal }
	if len(p.ports) == 0 || slices.ContainsFunc(p.ports, declared) {
		return p.addr, nil
	}
	host, _, err := net.SplitHostPort(p.addr)
	if err != nil { // it does not listen
		host = proxy.Host
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port.IntVal))), nil
}

func (p *prober) grpcCheck(ctx context.Context, action *corev1.GRPCAction) error {
	addr, err := p.target("", intstr.FromInt32(action.Port))
	if err != nil {
		return err
	}
	conn, err := p.dial(addr)
	if err != nil {
		return err
	}
	var service string
	if action.Service != nil {
		service = *action.Service
	}
	resp, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
	switch {
	case status.Code(err) == codes.DeadlineExceeded:
		return errors.New("no response in time")
	case err != nil:
		return errors.New(status.Convert(err).Message())
	case resp.GetStatus() != healthpb.HealthCheckResponse_SERVING:
		return fmt.Errorf("health is %s", resp.GetStatus())
	}
	return nil
}

// dial keeps one connection to the container.
func (p *prober) dial(addr string) (*grpc.ClientConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil && p.conn.Target() == "passthrough:///"+addr {
		return p.conn, nil
	}
	conn, err := grpc.NewClient("passthrough:///"+addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDisableServiceConfig(), grpc.WithNoProxy(),
		grpc.WithReadBufferSize(2<<10), grpc.WithWriteBufferSize(2<<10),
		// A fixed window: estimating the bandwidth would send a ping along with every probe.
		grpc.WithStaticStreamWindowSize(64<<10), grpc.WithStaticConnWindowSize(64<<10),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: firstProbePause, Multiplier: 2, MaxDelay: lastProbePause},
			MinConnectTimeout: time.Second,
		}))
	if err != nil {
		return nil, err
	}
	if p.conn != nil {
		_ = p.conn.Close()
	}
	p.conn = conn
	return conn, nil
}

func (p *prober) httpClient() *http.Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.http == nil {
		p.http = &http.Client{
			Transport: &http.Transport{
				DisableKeepAlives: true,
				TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // as the kubelet probes
			},
			CheckRedirect: followOwn,
		}
	}
	return p.http
}

// maxRedirects is how many redirects of a container to itself are followed, as by the kubelet.
const maxRedirects = 10

// followOwn follows redirects to the host that was asked. One to another host counts as a success.
func followOwn(req *http.Request, via []*http.Request) error {
	switch {
	case req.URL.Hostname() != via[0].URL.Hostname():
		return http.ErrUseLastResponse
	case len(via) >= maxRedirects:
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	return nil
}

func (p *prober) httpCheck(ctx context.Context, action *corev1.HTTPGetAction) error {
	addr, err := p.target(action.Host, action.Port)
	if err != nil {
		return err
	}
	scheme := "http"
	if action.Scheme == corev1.URISchemeHTTPS {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+addr+"/"+strings.TrimPrefix(action.Path, "/"), nil)
	if err != nil {
		return err
	}
	setHeaders(req, action.HTTPHeaders)
	resp, err := p.httpClient().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 10<<10)
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return fmt.Errorf("GET %s returned %s", action.Path, resp.Status)
	}
	return nil
}

// setHeaders sets the headers that a probe asks for, and the kubelet's own where it does not. An empty Accept is none.
func setHeaders(req *http.Request, headers []corev1.HTTPHeader) {
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Host") {
			req.Host = h.Value
			continue
		}
		req.Header.Add(h.Name, h.Value)
	}
	if _, ok := req.Header["User-Agent"]; !ok {
		req.Header.Set("User-Agent", "kube-probe/shopctl")
	}
	if accept, ok := req.Header["Accept"]; !ok {
		req.Header.Set("Accept", "*/*")
	} else if accept[0] == "" {
		req.Header.Del("Accept")
	}
}

func (p *prober) tcpCheck(ctx context.Context, action *corev1.TCPSocketAction, kind probeKind) error {
	addr, err := p.target(action.Host, action.Port)
	if err != nil {
		return err
	}
	if p.service != nil && addr == p.addr {
		return p.service(ctx, addr, p.env, kind != livenessProbe)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (p *prober) execCheck(ctx context.Context, command []string) error {
	if len(command) == 0 {
		return errors.New("the probe has no command")
	}
	out, err := p.exec.Exec(ctx, command)
	if err != nil {
		return fmt.Errorf("%s: %w %s", command[0], err, firstLine(string(out)))
	}
	return nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// question is a probe of a running container.
type question struct {
	container string
	prober    *prober
	probe     *probe
}

// Probe implements orchestrator.Prober.
func (c *Controller) Probe(ctx context.Context, instance string) (string, error) {
	var questions []question
	err := errGoingDown
	c.do(func() {
		err = &orchestrator.NoInstanceError{Instance: instance}
		for _, d := range c.deployments {
			if i := slices.IndexFunc(d.pods, func(p *pod) bool { return p.name == instance }); i >= 0 {
				questions, err = c.questions(d.pods[i]), nil
			}
		}
	})
	var asked []string
	for _, q := range questions {
		if err == nil {
			if err = q.prober.once(ctx, q.probe); err != nil {
				err = fmt.Errorf("%s of container %s: %w", q.probe.asks(), q.container, err)
			}
			asked = append(asked, q.probe.asks())
		}
		q.prober.Close()
	}
	return strings.Join(asked, ", "), err
}

// questions are the readiness probes of a pod's programs, and connections to those that listen and have none.
func (c *Controller) questions(p *pod) (all []question) {
	for _, k := range p.containers {
		if k.mesh || k.kind == orchestrator.InitContainer || k.phase != running {
			continue
		}
		spec := k.spec(&p.rev.template.Pod)
		check := newProbes(&spec).readiness
		if check == nil && k.handle.Addrs().App != "" {
			connect := &corev1.TCPSocketAction{}
			if len(spec.Ports) > 0 {
				connect.Port = intstr.FromInt32(spec.Ports[0].Number)
			}
			check = &probe{&corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: connect}}, readinessProbe}
		}
		if check != nil {
			all = append(all, question{k.name, newProber(k.handle, spec, c.cfg.Check(p.rev.plan.Builtins[k.name])), check})
		}
	}
	return all
}

// once checks within the time of the probe.
func (p *prober) once(ctx context.Context, probe *probe) error {
	ctx, cancel := context.WithTimeout(ctx, probe.timeout())
	defer cancel()
	return p.check(ctx, probe)
}

// asks says how a probe asks.
func (p *probe) asks() string {
	switch {
	case p.GRPC != nil:
		return "gRPC health"
	case p.HTTPGet != nil:
		return "GET /" + strings.TrimPrefix(p.HTTPGet.Path, "/")
	case p.TCPSocket != nil:
		return "connection"
	case p.Exec != nil && len(p.Exec.Command) > 0:
		return p.Exec.Command[0]
	}
	return "probe"
}
