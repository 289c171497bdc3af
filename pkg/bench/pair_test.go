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

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2/h2test"
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

// startHop starts a process until the benchmark ends, and returns its address.
func startHop(b *testing.B, kind, upstream string) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BENCH_HOP="+kind, "BENCH_UPSTREAM="+upstream)
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
	return addr[:len(addr)-1]
}

// BenchmarkPairs compares unary calls of 1 KB through two proxies in a row with calls without any: the median at one
// worker, and the rate at 32. Without TLS, routes and telemetry, so that the HTTP/2 beneath is all that is compared.
func BenchmarkPairs(b *testing.B) {
	echo := startHop(b, "echo", "")
	direct := dialPair(b, echo)
	for _, kind := range []string{"h2", "grpc", "httputil"} {
		b.Run(kind, func(b *testing.B) {
			pair := dialPair(b, startHop(b, kind, startHop(b, kind, echo)))
			var latency, rate []float64
			for round := range rounds + 1 {
				d, p := callPair(b, direct, 1), callPair(b, pair, 1)
				dr, pr := callPair(b, direct, 32), callPair(b, pair, 32)
				if round > 0 {
					latency = append(latency, float64(p.median)/float64(d.median))
					rate = append(rate, pr.rate/dr.rate)
				}
			}
			b.ReportMetric(middle(latency), "of-direct's-p50")
			b.ReportMetric(middle(rate), "of-direct's-rps")
			b.ReportMetric(0, "ns/op")
		})
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
}

// callPair calls from some workers for half a second.
func callPair(b *testing.B, conn *grpc.ClientConn, workers int) measured {
	b.Helper()
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	start := time.Now()
	for range workers {
		wg.Go(func() {
			in, out := make([]byte, 1024), []byte(nil)
			var took []time.Duration
			for time.Since(start) < 500*time.Millisecond {
				t := time.Now()
				if err := conn.Invoke(b.Context(), "/bench.Echo/Call", &in, &out); err != nil || len(out) != len(in) {
					b.Errorf("call: %d bytes, %v", len(out), err)
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
	return measured{all[len(all)/2], float64(len(all)) / elapsed.Seconds()}
}
