package behavior

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// outcome is how one request went, as its caller sees it.
type outcome struct {
	status, message string
	headers         map[string]string
}

// client makes the calls of a case, some of them at the same time.
type client struct {
	s    *shop
	http *http.Client

	mu    sync.Mutex
	conns map[string]*grpc.ClientConn
}

func newClient(s *shop) *client {
	transport := &http.Transport{DisableCompression: true}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &client{s: s, conns: map[string]*grpc.ClientConn{}, http: &http.Client{
		Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// address is where a caller dials: its sidecar's port for a service, or for a stranger a pod's sidecar.
func (c *client) address(k *call) string {
	if k.From == stranger {
		workload := k.To[:strings.LastIndexByte(k.To, '-')]
		return c.s.listener(k.To, inboundName(workload))
	}
	return c.s.listener(callerPod(k.From), fmt.Sprintf("%s.production.svc.cluster.local_%d", k.To, services()[k.To].port))
}

// requestID and traceID are those of the nth time of the ith call.
func requestID(i, n int) string { return fmt.Sprintf("call-%d-%d", i, n) }
func traceID(i, n int) string   { return fmt.Sprintf("%016x%016x", i+1, n+1) }

func (c *client) headers(k *call, i, n int) map[string]string {
	all := map[string]string{"x-request-id": requestID(i, n), "traceparent": "00-" + traceID(i, n) + "-00000000000000aa-01"}
	for name, value := range k.Headers {
		all[name] = value
	}
	return all
}

// do makes one request.
func (c *client) do(ctx context.Context, k *call, i, n int) outcome {
	if k.Deadline > 0 {
		limited, cancel := context.WithTimeout(ctx, k.Deadline)
		defer cancel()
		ctx = limited
	}
	switch kindOf(k.To) {
	case "grpc":
		return c.grpc(ctx, k, c.headers(k, i, n))
	case "http":
		return c.get(ctx, k, c.headers(k, i, n))
	}
	return c.tcp(ctx, k)
}

func (c *client) grpc(ctx context.Context, k *call, headers map[string]string) outcome {
	conn, err := c.conn(c.address(k))
	if err != nil {
		return outcome{status: "not dialed", message: err.Error()}
	}
	var head, tail metadata.MD
	err = conn.Invoke(metadata.NewOutgoingContext(ctx, metadata.New(headers)), k.Path, wrapperspb.String(strings.Repeat("x", k.Body)),
		new(wrapperspb.StringValue), grpc.Header(&head), grpc.Trailer(&tail))
	s := grpcstatus.Convert(err)
	out := outcome{status: s.Code().String(), message: s.Message(), headers: map[string]string{}}
	for _, md := range []metadata.MD{tail, head} {
		for name, values := range md {
			out.headers[name] = strings.Join(values, ",")
		}
	}
	return out
}

// conn is the one connection to an address.
func (c *client) conn(address string) (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn := c.conns[address]; conn != nil {
		return conn, nil
	}
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err == nil {
		c.s.t.Cleanup(func() { _ = conn.Close() })
		c.conns[address] = conn
	}
	return conn, err
}

func (c *client) get(ctx context.Context, k *call, headers map[string]string) outcome {
	r, err := http.NewRequestWithContext(ctx, k.Method, "http://"+c.address(k)+k.Path, bytes.NewReader(make([]byte, k.Body)))
	if err != nil {
		return outcome{status: "no request", message: err.Error()}
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	if host := headers["host"]; host != "" {
		r.Host = host
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return outcome{status: "closed", message: err.Error()}
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	out := outcome{status: strconv.Itoa(resp.StatusCode), message: string(body), headers: map[string]string{}}
	for name, values := range resp.Header {
		out.headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	return out
}

// tcp connects, and is OK once the program has named itself.
func (c *client) tcp(ctx context.Context, k *call) outcome {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.address(k))
	if err != nil {
		return outcome{status: "refused", message: err.Error()}
	}
	defer conn.Close()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return outcome{status: "closed"}
	}
	if k.Held {
		<-ctx.Done()
	}
	return outcome{status: "OK", message: line}
}

// logLine is what a line of the access log says of a request.
type logLine struct{ status, flags, details, requestID, host, cluster, route string }

// logLines are those of a log, in their order.
func logLines(text string) []logLine {
	var all []logLine
	for line := range strings.Lines(text) {
		if f := words(strings.TrimSpace(line)); len(f) == 22 {
			all = append(all, logLine{f[2], f[3], f[4], f[13], f[15], f[16], f[21]})
		}
	}
	return all
}

// words are those of a line; what is in quotes is one.
func words(line string) []string {
	var all []string
	for line != "" {
		word, rest, _ := strings.Cut(line, " ")
		if quoted, err := strconv.QuotedPrefix(line); err == nil {
			word, _ = strconv.Unquote(quoted)
			rest = strings.TrimPrefix(line[len(quoted):], " ")
		}
		all = append(all, word)
		line = rest
	}
	return all
}

// endedBy names what ended a call, by the details of its line in the log: the response, timeout, perTryTimeout, or the failure
// of the last try; "at once" is a sidecar itself.
func endedBy(l logLine) string {
	by := "at once"
	switch d := l.details; {
	case d == "via_upstream":
		by = "response"
	case d == "response_timeout":
		by = "timeout"
	case d == "upstream_per_try_timeout":
		by = "perTryTimeout"
	case strings.HasPrefix(d, "upstream_reset_before_response_started{overflow"):
	case strings.HasPrefix(d, "upstream_reset"):
		by = "reset"
	case d == "downstream_remote_disconnect":
		by = "caller"
	}
	if strings.Contains(l.flags, "DI") {
		return "delay, then " + by
	}
	return by
}
