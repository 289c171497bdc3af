package otlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const (
	// maxQueue and maxQueueBytes bound what waits to be forwarded; beyond either, requests are dropped.
	maxQueue, maxQueueBytes = 256, 8 << 20
	// maxTries is how often a request is sent while the other side cannot take it.
	maxTries = 3
	// retryPause separates two of them.
	retryPause = 500 * time.Millisecond
	// sendTimeout bounds one of them.
	sendTimeout = 5 * time.Second
)

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// Forwarder forwards export requests unchanged. It never blocks its callers: what the other side does not
// take in time is dropped and counted.
type Forwarder struct {
	send    func(context.Context, []byte) error
	close   func()
	queue   chan forwarded
	bytes   atomic.Int64
	sent    atomic.Int64
	dropped atomic.Int64
	failed  func(error)
}

// forwarded is an export request on its way.
type forwarded struct {
	request []byte
	spans   int64
}

// endpoint is where to forward to.
type endpoint struct {
	grpc, tls bool
	// target is host:port for gRPC, a URL for HTTP.
	target string
}

// EndpointHost returns the host of an endpoint to forward to.
func EndpointHost(text string) (string, error) {
	e, err := parseEndpoint(text)
	if err != nil {
		return "", err
	}
	if e.grpc {
		host, _, err := net.SplitHostPort(e.target)
		return host, err
	}
	u, err := url.Parse(e.target)
	if err != nil {
		return "", err // not reached: it was made from a URL
	}
	return u.Hostname(), nil
}

// parseEndpoint reads http://HOST:4318 and https:// as OTLP over HTTP, and HOST:4317, grpc:// and grpcs:// as
// OTLP over gRPC.
func parseEndpoint(text string) (endpoint, error) {
	if !strings.Contains(text, "://") {
		text = "grpc://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return endpoint{}, fmt.Errorf("read endpoint %q: want http://HOST:4318 or grpc://HOST:4317", text)
	}
	switch u.Scheme {
	case "http", "https":
		if u.Path == "" || u.Path == "/" {
			u.Path = Path
		}
		return endpoint{target: u.String(), tls: u.Scheme == "https"}, nil
	case "grpc", "grpcs":
		host := u.Host
		if u.Port() == "" {
			host = net.JoinHostPort(u.Hostname(), "4317")
		}
		return endpoint{grpc: true, tls: u.Scheme == "grpcs", target: host}, nil
	}
	return endpoint{}, fmt.Errorf("read endpoint %q: %s is neither http nor grpc", text, u.Scheme)
}

// NewForwarder makes a forwarder to an endpoint. failed is called from Run with the reason why requests are dropped; it may be
// nil.
func NewForwarder(to string, failed func(error)) (*Forwarder, error) {
	e, err := parseEndpoint(to)
	if err != nil {
		return nil, err
	}
	f := &Forwarder{queue: make(chan forwarded, maxQueue), failed: failed}
	if !e.grpc {
		client := &http.Client{Timeout: sendTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute}}
		f.send = func(ctx context.Context, request []byte) error { return post(ctx, client, e.target, request) }
		f.close = client.CloseIdleConnections
		return f, nil
	}
	secret := insecure.NewCredentials()
	if e.tls {
		secret = credentials.NewTLS(nil)
	}
	conn, err := grpc.NewClient(e.target, grpc.WithTransportCredentials(secret), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(newRawCodec())))
	if err != nil {
		return nil, fmt.Errorf("forward spans: %w", err)
	}
	f.send = func(ctx context.Context, request []byte) error {
		return conn.Invoke(ctx, exportMethod, rawMessage(request), &collectorpb.ExportTraceServiceResponse{})
	}
	f.close = func() { _ = conn.Close() }
	return f, nil
}

// Forward queues a request with a number of spans, which must not be changed afterwards, or drops it.
func (f *Forwarder) Forward(request []byte, spans int) {
	if f.bytes.Add(int64(len(request))) <= maxQueueBytes {
		select {
		case f.queue <- forwarded{request, int64(spans)}:
			return
		default:
		}
	}
	f.bytes.Add(-int64(len(request)))
	f.dropped.Add(int64(spans))
}

// Counts are the spans that were sent and those that were dropped.
func (f *Forwarder) Counts() (sent, dropped int64) { return f.sent.Load(), f.dropped.Load() }

// Run sends what is queued until ctx ends. What waits then is dropped.
func (f *Forwarder) Run(ctx context.Context) {
	defer f.close()
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-f.queue:
			f.bytes.Add(-int64(len(next.request)))
			if err := f.deliver(ctx, next.request); err != nil {
				f.dropped.Add(next.spans)
				if f.failed != nil && ctx.Err() == nil {
					f.failed(err)
				}
				continue
			}
			f.sent.Add(next.spans)
		}
	}
}

// deliver sends one request, some times if the other side may take it later.
func (f *Forwarder) deliver(ctx context.Context, request []byte) error {
	for try := 1; ; try++ {
		bounded, cancel := context.WithTimeout(ctx, sendTimeout)
		err := f.send(bounded, request)
		cancel()
		if err == nil || try == maxTries || !passing(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryPause):
		}
	}
}

// httpError is a response that is not a success.
type httpError struct{ status int }

func (e *httpError) Error() string {
	return fmt.Sprintf("the receiver responded with %d %s", e.status, http.StatusText(e.status))
}

// passing reports whether an error is temporary, by the rules of OTLP.
func passing(err error) bool {
	var failed *httpError
	if errors.As(err, &failed) {
		return failed.status == http.StatusTooManyRequests || failed.status >= http.StatusBadGateway && failed.status <= http.StatusGatewayTimeout
	}
	switch status.Code(err) {
	case codes.InvalidArgument, codes.Unimplemented, codes.NotFound, codes.PermissionDenied, codes.Unauthenticated, codes.Internal, codes.FailedPrecondition, codes.AlreadyExists:
		return false
	}
	return true
}

func post(ctx context.Context, client *http.Client, to string, request []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(request))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", typeProtobuf)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxRequest)); err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return &httpError{resp.StatusCode}
	}
	return nil
}
