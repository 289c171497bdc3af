package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2/h2test"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// raw passes messages of gRPC as the bytes that they are.
type raw struct{}

func (raw) Name() string                  { return "raw" }
func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = slices.Clone(data)
	return nil
}

// hops are the kinds of servers that BENCH_HOP names, each in a process of its own: the echo, and proxies in front of
// the address in BENCH_UPSTREAM.
func hops() map[string]func(l net.Listener, upstream string) error {
	return map[string]func(net.Listener, string) error{
		"echo":     serveRaw(func(_ grpc.ServerStream, in, out *[]byte) error { *out = *in; return nil }),
		"grpc":     grpcHop,
		"h2":       h2Hop,
		"httputil": httputilHop,
		"sink":     serveRaw(func(_ grpc.ServerStream, _, out *[]byte) error { *out = nil; return nil }),
	}
}

func runHop(kind string) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		_ = l.Close()
		os.Exit(0)
	}()
	_ = hops()[kind](l, os.Getenv("BENCH_UPSTREAM"))
	return 1
}

func serveRaw(handle func(s grpc.ServerStream, in, out *[]byte) error) func(net.Listener, string) error {
	return func(l net.Listener, _ string) error {
		return grpc.NewServer(grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
			var in, out []byte
			if err := s.RecvMsg(&in); err != nil {
				return err
			}
			if err := handle(s, &in, &out); err != nil {
				return err
			}
			return s.SendMsg(&out)
		})).Serve(l)
	}
}

func dialRaw(addr string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
}

func grpcHop(l net.Listener, upstream string) error {
	conn, err := dialRaw(upstream)
	if err != nil {
		return err
	}
	return serveRaw(func(s grpc.ServerStream, in, out *[]byte) error {
		method, _ := grpc.MethodFromServerStream(s)
		return conn.Invoke(s.Context(), method, in, out)
	})(l, "")
}

func h2Hop(l net.Listener, upstream string) error {
	conn, err := net.Dial("tcp", upstream)
	if err != nil {
		return err
	}
	opt := h2.Options{Group: new(h2.Group)}
	up := h2.Client(conn, opt)
	go func() { _ = up.Serve(context.Background()) }()
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() { _ = h2.Server(conn, opt, h2test.Forward(up)).Serve(context.Background()) }()
	}
}

func httputilHop(l net.Listener, upstream string) error {
	h2c := new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: upstream})
	proxy.Transport = &http.Transport{Protocols: h2c}
	return (&http.Server{Handler: proxy, Protocols: h2c}).Serve(l)
}

// hop is a process that takes calls.
type hop struct {
	addr string
	pid  int
}

// startHop starts a process until the benchmark ends. A proxy gets the settings of a sidecar's runtime, so that pairs compare.
func startHop(b *testing.B, kind, upstream string, settings ...string) hop {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), settings...), "BENCH_HOP="+kind, "BENCH_UPSTREAM="+upstream)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return hop{addr[:len(addr)-1], cmd.Process.Pid}
}

// pair is two proxies in a row in front of the echo.
type pair struct {
	kind string
	pids []int
	conn *grpc.ClientConn

	// Of each round, in those of direct calls: the median at one worker, the rate and the processor time of a call at 32.
	latency, rate, cost []float64
}

// BenchmarkPairs compares unary calls of 1 KB through two proxies in a row with calls without any. "sidecars" are two sidecars of
// the built binary with everything on: routes, retries, outlier detection, mutual TLS, metrics, access log and spans. The
// others have none of that: "h2" is what the frames alone cost, and HAProxy, where it is installed, what is possible.
func BenchmarkPairs(b *testing.B) {
	echo := startHop(b, "echo", "")
	direct := &pair{kind: "direct", conn: dialPair(b, echo.addr)}
	pairs := []*pair{startSidecars(b, echo.addr, startHop(b, "sink", "").addr)}
	for _, kind := range []string{"h2", "grpc", "httputil"} {
		inner := startHop(b, kind, echo.addr, podspec.SidecarRuntime()...)
		outer := startHop(b, kind, inner.addr, podspec.SidecarRuntime()...)
		pairs = append(pairs, &pair{kind: kind, pids: []int{inner.pid, outer.pid}, conn: dialPair(b, outer.addr)})
	}
	if p := startHAProxies(b, echo.addr); p != nil {
		pairs = append(pairs, p)
	}
	for round := range 2*rounds + 1 { // the first warms everything up
		for _, p := range pairs {
			d, one := direct.call(b, echo.pid, 1), p.call(b, echo.pid, 1)
			all, many := direct.call(b, echo.pid, 32), p.call(b, echo.pid, 32)
			if round > 0 {
				p.latency = append(p.latency, float64(one.median)/float64(d.median))
				p.rate = append(p.rate, many.rate/all.rate)
				p.cost = append(p.cost, many.cost/all.cost)
			}
		}
	}
	byKind := map[string]*pair{}
	for _, p := range pairs {
		byKind[p.kind] = p
		b.Logf("%-8s p50 %.2f of direct's (%.2f), rate %.2f (%.2f), processor time %.2f (%.2f)",
			p.kind, middle(p.latency), p.latency, middle(p.rate), p.rate, middle(p.cost), p.cost)
	}
	sidecars := byKind["sidecars"]
	goal := func(name string, got float64) { b.Run(name, func(b *testing.B) { check(b, name, got) }) }
	goal("latency of two sidecars", middle(sidecars.latency))
	goal("rate without sidecars", 1/middle(sidecars.rate))
	goal("frames beside grpc-go", middle(byKind["h2"].latency)/middle(byKind["grpc"].latency))
	goal("sidecars beside ReverseProxy", middle(sidecars.latency)/middle(byKind["httputil"].latency))
	if p := byKind["haproxy"]; p != nil {
		goal("frames beside HAProxy", middle(byKind["h2"].latency)/middle(p.latency))
	}
}

func dialPair(b *testing.B, addr string) *grpc.ClientConn {
	b.Helper()
	conn, err := dialRaw(addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return conn
}

type measured struct {
	median time.Duration
	rate   float64
	cost   float64 // processor time of a call, of all processes that take part, in microseconds
}

// traceparent is that of a trace which is sampled.
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// call calls from some workers for half a second.
func (p *pair) call(b *testing.B, echo, workers int) measured {
	b.Helper()
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	ctx := metadata.AppendToOutgoingContext(b.Context(), "traceparent", traceparent)
	before := p.cpu(echo)
	start := time.Now()
	for range workers {
		wg.Go(func() {
			in, out := make([]byte, 1024), []byte(nil)
			var took []time.Duration
			for time.Since(start) < 500*time.Millisecond {
				t := time.Now()
				if err := p.conn.Invoke(ctx, "/bench.Echo/Call", &in, &out); err != nil || len(out) != len(in) {
					b.Errorf("%s: %d bytes, %v", p.kind, len(out), err)
					return
				}
				took = append(took, time.Since(t))
			}
			mu.Lock()
			all = append(all, took...)
			mu.Unlock()
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	if len(all) == 0 {
		b.FailNow()
	}
	slices.Sort(all)
	return measured{all[len(all)/2], float64(len(all)) / elapsed.Seconds(), microseconds(p.cpu(echo)-before) / float64(len(all))}
}

// cpu is the processor time so far of the client, the echo and the proxies.
func (p *pair) cpu(echo int) time.Duration {
	sum := ownCPU() + cpuOf(echo)
	for _, pid := range p.pids {
		sum += cpuOf(pid)
	}
	return sum
}
