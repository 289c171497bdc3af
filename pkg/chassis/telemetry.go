package chassis

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/grpc"
)

const (
	// exportDelay is how long spans wait for others before they are sent.
	exportDelay = 200 * time.Millisecond
	// flushTimeout bounds an export with its retries, and so the last one on the way out.
	flushTimeout = time.Second
	// exportFirstPause and exportMaxPause are the pauses before an export is tried again.
	exportFirstPause, exportMaxPause = 50 * time.Millisecond, 500 * time.Millisecond
	// maxQueuedSpans is how many spans may wait; beyond it they are dropped.
	maxQueuedSpans = 8192
)

// latencyBuckets are fine enough for quantiles of local calls and reach to the longest deadline. In seconds.
var latencyBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

func (rt *Runtime) setupMetrics() {
	rt.serverMet = grpcprom.NewServerMetrics(grpcprom.WithServerHandlingTimeHistogram(grpcprom.WithHistogramBuckets(latencyBuckets)))
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "shop_build_info",
		Help:        "Constant 1, with the service and its version as labels.",
		ConstLabels: prometheus.Labels{"service": rt.o.Workload, "version": rt.Version()},
	})
	info.Set(1)
	rt.registry.MustRegister(rt.serverMet, info)
}

// newRegistry has the metrics of the process itself.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// setupTracing exports spans over OTLP if an endpoint is configured. Without one, trace context is still passed on, so
// that the traces of other services are not broken.
func (rt *Runtime) setupTracing() error {
	var unknown []string
	if rt.propagate, unknown = propagator(rt.o.Getenv("OTEL_PROPAGATORS")); len(unknown) > 0 {
		rt.log.Warn("OTEL_PROPAGATORS has unknown names", "unknown", strings.Join(unknown, ","), "known", "tracecontext,baggage,none")
	}
	res := resource.NewSchemaless(
		semconv.ServiceName(rt.Env("OTEL_SERVICE_NAME", rt.o.Workload)),
		semconv.ServiceVersion(rt.Version()),
		semconv.ServiceInstanceID(rt.Env("POD_NAME", rt.o.Workload)),
		semconv.ServiceNamespace(rt.Env("POD_NAMESPACE", "production")),
	)
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(res)}
	if endpoint := otlpEndpoint(rt.o.Getenv); endpoint != "" {
		var err error
		if rt.exporter, err = newExporter(endpoint, rt.Env("OTEL_EXPORTER_OTLP_TRACES_HEADERS", rt.o.Getenv("OTEL_EXPORTER_OTLP_HEADERS"))); err != nil {
			return err
		}
		if keys := slices.Collect(listed(rt.o.Getenv("BAGGAGE_ATTRIBUTES"))); len(keys) > 0 {
			options = append(options, sdktrace.WithSpanProcessor(baggageAttributes(keys)))
		}
		batcher := sdktrace.NewBatchSpanProcessor(rt.exporter, sdktrace.WithExportTimeout(flushTimeout), sdktrace.WithMaxQueueSize(maxQueuedSpans))
		options = append(options, sdktrace.WithSpanProcessor(newPromptBatcher(batcher, exportDelay)))
	} else {
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	}
	rt.provider = sdktrace.NewTracerProvider(options...)
	return nil
}

// newExporter sends spans to an endpoint over OTLP/gRPC. It connects with the first batch.
func newExporter(endpoint, headerList string) (sdktrace.SpanExporter, error) {
	headers, err := otlpHeaders(headerList)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracegrpc.New(context.Background(),
		otlptracegrpc.WithEndpointURL(endpoint), otlptracegrpc.WithHeaders(headers), otlptracegrpc.WithTimeout(flushTimeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
			Enabled: true, InitialInterval: exportFirstPause, MaxInterval: exportMaxPause, MaxElapsedTime: flushTimeout,
		}),
		otlptracegrpc.WithDialOption(grpc.WithStaticStreamWindowSize(streamWindow), grpc.WithStaticConnWindowSize(connWindow)),
	)
	if err != nil {
		return nil, fmt.Errorf("export spans to %s: %w", endpoint, err)
	}
	return exporter, nil
}

// otlpEndpoint is the URL to send spans to, empty for none. OpenTelemetry's variables can turn the export off;
// COLLECTOR_SERVICE_ADDR is the original's: host:port without a scheme.
func otlpEndpoint(getenv func(string) string) string {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return ""
	}
	for _, key := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "COLLECTOR_SERVICE_ADDR"} {
		v := getenv(key)
		switch {
		case v == "":
			continue
		case strings.Contains(v, "://"):
			return v
		default:
			return "http://" + v
		}
	}
	return ""
}

// otlpHeaders parses "key=value,other=value" with percent-encoded values: OpenTelemetry's specification of exporters.
func otlpHeaders(text string) (map[string]string, error) {
	headers := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil {
			return nil, errors.New("read OTEL_EXPORTER_OTLP_HEADERS: want key=value,other=value") // the value may be a secret
		}
		headers[key] = decoded
	}
	return headers, nil
}

// closeTelemetry sends the spans that wait, unless the daemon, which receives them, is gone.
func (rt *Runtime) closeTelemetry(gone bool) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if gone && rt.exporter != nil {
		// A batcher whose exporter is closed drops what it holds, instead of retrying without success for as long as it may.
		_ = rt.exporter.Shutdown(ctx)
	}
	if err := rt.provider.Shutdown(ctx); err != nil {
		rt.log.Debug("last spans were not sent", "error", err)
	}
}

// adminHandler serves metrics and health over HTTP on a separate port, away from users.
func adminHandler(metrics prometheus.Gatherer, readiness func() (ready bool, why string)) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready, why := readiness(); !ready {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
