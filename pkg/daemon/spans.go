package daemon

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/observe/otlp"
	"github.com/shopctl/shopctl/pkg/trace"
)

// onSpans is told of the spans of each request that came in, one request after the other.
func (s *shop) onSpans(records []trace.Record) {
	s.calls.Add(records)
	s.stats.Wake()
}

// openForward makes the forwarder, if the shop has one.
func (s *shop) openForward() error {
	if s.cfg.SpansForward == "" {
		return nil
	}
	var once sync.Once
	forward, err := otlp.NewForwarder(s.cfg.SpansForward, func(err error) {
		s.log.Warn("spans are not forwarded", "to", s.cfg.SpansForward, "error", err)
		once.Do(func() {
			s.events.Add(observe.Event{Type: observe.Warning, Reason: "SpanForwardFailed", Message: "to " + s.cfg.SpansForward + ": " + err.Error()})
		})
	})
	if err != nil {
		return control.Error(codes.InvalidArgument, err.Error(), "--otlp-forward http://127.0.0.1:4318", 2)
	}
	s.forward = forward
	return nil
}

// receiveSpans takes spans, and forwards them, until close is called. A shop that cannot take any is a shop
// all the same.
func (s *shop) receiveSpans() (close func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var forwarding sync.WaitGroup
	cfg := otlp.Config{GRPC: s.cfg.SpansGRPC, HTTP: s.cfg.SpansHTTP, Store: s.spans}
	if s.forward != nil {
		cfg.Forward = s.forward.Forward
		forwarding.Go(func() { s.forward.Run(ctx) })
	}
	receiver, err := otlp.Listen(cfg)
	if err != nil {
		s.log.Warn("spans are not taken", "error", err)
		s.events.Add(observe.Event{Type: observe.Warning, Reason: "SpanReceiverFailed", Message: err.Error()})
	} else {
		s.receiver = receiver
	}
	return func() {
		if receiver != nil {
			if err := receiver.Close(); err != nil {
				s.log.Warn("take spans", "error", err)
			}
		}
		cancel()
		forwarding.Wait()
	}
}

// spanEnviron tells instances where spans go, in the variables that OpenTelemetry's SDKs read.
func (s *shop) spanEnviron() []string {
	if s.receiver == nil {
		return nil
	}
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + s.receiver.GRPC(), "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}
}
