// Package otlp receives spans from OpenTelemetry's SDKs and collectors, over gRPC and HTTP, and forwards
// them to another receiver on request.
package otlp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/shopctl/shopctl/pkg/connlimit"
	"github.com/shopctl/shopctl/pkg/protomux"
)

// The ports that senders use by default.
const (
	StandardGRPC = "127.0.0.1:4317"
	StandardHTTP = "127.0.0.1:4318"
)

const (
	// maxRequest bounds one request, compressed and not. It is gRPC's own default, too.
	maxRequest = 4 << 20
	// maxReceiving bounds the requests that are received at a time, maxJSON those of them that are JSON,
	// which takes many times its size while it is read.
	maxReceiving, maxJSON = 32, 2
	// maxWait is how long a request waits for its turn before the sender must retry.
	maxWait = time.Second
	// readTimeout bounds the time that a sender takes for a request over HTTP.
	readTimeout = 10 * time.Second
)

// Store is where spans go.
type Store interface {
	// Ingest takes an encoded ExportTraceServiceRequest. It returns how many of its spans are invalid, and
	// why; the error is that of a request that is malformed.
	Ingest(request []byte) (refused int, reason string, err error)
	// Refuse counts requests that were not read.
	Refuse(n int)
}

// Config configures a receiver.
type Config struct {
	// GRPC and HTTP are the addresses to listen at if they are free; empty or taken: any free port of
	// loopback. Either takes both protocols.
	GRPC, HTTP string
	Store      Store
	// Forward is handed each request that was taken, encoded as protobuf, with the number of its spans, and may keep it. May be
	// nil.
	Forward func(request []byte, spans int)
}

// Receiver listens for spans.
type Receiver struct {
	cfg   Config
	turns turns
	mux   *protomux.Mux
	grpc  *grpc.Server
	http  *http.Server
	addrs [2]string
	done  sync.WaitGroup
	fault chan error
}

// Listen begins to take spans.
func Listen(cfg Config) (*Receiver, error) {
	r := &Receiver{cfg: cfg, turns: newTurns(), fault: make(chan error, 2)}
	overGRPC, err := listen(cfg.GRPC)
	if err != nil {
		return nil, err
	}
	overHTTP, err := listen(cfg.HTTP)
	if err != nil {
		return nil, errors.Join(err, overGRPC.Close())
	}
	r.addrs = [2]string{overGRPC.Addr().String(), overHTTP.Addr().String()}
	// SDKs differ in which protocol they expect of an endpoint, so that either port takes both.
	r.mux, r.grpc, r.http = protomux.New(connlimit.Listen(overGRPC, connlimit.Share(1)), connlimit.Listen(overHTTP, connlimit.Share(1))), r.newGRPC(), r.newHTTP()
	r.done.Go(func() { _ = r.mux.Serve() })
	r.done.Go(func() { r.fault <- r.grpc.Serve(r.mux.GRPC()) })
	r.done.Go(func() { r.fault <- r.http.Serve(r.mux.HTTP()) })
	return r, nil
}

// listen takes the address, or any port if that is taken.
func listen(addr string) (net.Listener, error) {
	if addr != "" {
		if l, err := net.Listen("tcp", addr); err == nil {
			return l, nil
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for spans: %w", err)
	}
	return l, nil
}

// GRPC and HTTP are the addresses, as host:port.
func (r *Receiver) GRPC() string { return r.addrs[0] }

// HTTP is the address of the HTTP server; spans go to its path /v1/traces.
func (r *Receiver) HTTP() string { return r.addrs[1] }

// Close ends both servers, and returns when they have.
func (r *Receiver) Close() error {
	r.grpc.Stop()
	err := r.http.Close()
	r.mux.Close()
	r.done.Wait()
	for range cap(r.fault) {
		failure := <-r.fault
		if !errors.Is(failure, http.ErrServerClosed) && !errors.Is(failure, grpc.ErrServerStopped) && !errors.Is(failure, net.ErrClosed) {
			err = errors.Join(err, failure)
		}
	}
	return err
}

// take stores a request, and forwards it.
func (r *Receiver) take(request []byte) (refused int, reason string, err error) {
	refused, reason, err = r.cfg.Store.Ingest(request)
	if err == nil && r.cfg.Forward != nil {
		r.cfg.Forward(request, countSpans(request, fieldResourceSpans, fieldScopeSpans, fieldSpans))
	}
	return refused, reason, err
}

// Numbers of the fields that lead to the spans of a request.
const fieldResourceSpans, fieldScopeSpans, fieldSpans = 1, 2, 2

// countSpans counts the spans of an export request that was read before.
func countSpans(message []byte, path ...protowire.Number) int {
	n := 0
	for len(message) > 0 {
		num, typ, size := protowire.ConsumeTag(message)
		if size < 0 {
			return n
		}
		message = message[size:]
		if size = protowire.ConsumeFieldValue(num, typ, message); size < 0 {
			return n
		}
		if num == path[0] && typ == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message)
			if len(path) == 1 {
				n++
			} else {
				n += countSpans(value, path[1:]...)
			}
		}
		message = message[size:]
	}
	return n
}

// turns bounds what is received at a time.
type turns struct{ all, json chan struct{} }

func newTurns() turns {
	return turns{all: make(chan struct{}, maxReceiving), json: make(chan struct{}, maxJSON)}
}

// errBusy makes a sender retry.
var errBusy = errors.New("too many requests at a time: send it again in a second")

// enter waits for a turn in one of the queues.
func enter(ctx context.Context, queue chan struct{}) (leave func(), err error) {
	leave = func() { <-queue }
	select {
	case queue <- struct{}{}:
		return leave, nil
	default:
	}
	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	select {
	case queue <- struct{}{}:
		return leave, nil
	case <-timeout.C:
		return nil, errBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
