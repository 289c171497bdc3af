package sidecar

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
)

// records are where a sidecar's requests are recorded: its log, its metrics and its spans.
type records struct {
	log     *record.Log
	metrics *record.Metrics
	// spans is nil if they go nowhere.
	spans *record.Spans
	conn  *grpc.ClientConn
	admin net.Listener
	// registry holds what is served as metrics.
	registry *prometheus.Registry
	tasks    sync.WaitGroup
	stop     context.CancelFunc
}

// newRecords begins to record; close ends it.
func newRecords(ctx context.Context, b Bootstrap, log io.Writer) (*records, error) {
	r := &records{log: record.NewLog(log), metrics: record.NewMetrics(b.Node.Workload, b.Node.Namespace, b.Node.Labels["version"])}
	var err error
	if r.admin, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	if b.Spans != "" {
		address := strings.TrimPrefix(b.Spans, "http://")
		if r.conn, err = grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
			_ = r.admin.Close()
			return nil, fmt.Errorf("send spans to %s: %w", b.Spans, err)
		}
		r.spans = record.NewSpans(r.conn, b.Service, b.Node.ID)
	}
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx)) // what ends while the sidecar drains is recorded too
	r.tasks.Go(func() { r.log.Run(ctx) })
	if r.spans != nil {
		r.tasks.Go(func() { r.spans.Run(ctx) })
	}
	r.registry = prometheus.NewRegistry()
	r.registry.MustRegister(r.metrics)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	r.tasks.Go(func() { _ = server.Serve(r.admin) })
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return r, nil
}

// Record implements proxy.Recorder.
func (r *records) Record(e *record.Entry) {
	r.log.Record(e)
	r.metrics.Record(e)
	if r.spans != nil {
		r.spans.Record(e)
	}
}

func (r *records) close() {
	r.stop()
	r.tasks.Wait()
	if r.conn != nil {
		_ = r.conn.Close()
	}
}
