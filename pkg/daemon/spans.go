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

// onSpans adds the spans of each export request to the call graph. It is called for one request at a time.
func (s *shop) onSpans(records []trace.Record) {
	s.calls.Add(records)
	s.requests.Add(records)
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

// receiveSpans receives spans, and forwards them, until close is called. The receiver is nil if none can be received:
// the shop then runs without.
func (s *shop) receiveSpans() (receiver *otlp.Receiver, close func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var forwarding sync.WaitGroup
	cfg := otlp.Config{GRPC: s.cfg.SpansGRPC, HTTP: s.cfg.SpansHTTP, Store: s.spans}
	if s.forward != nil {
		cfg.Forward = s.forward.Forward
		forwarding.Go(func() { s.forward.Run(ctx) })
	}
	receiver, err := otlp.Listen(cfg)
	if err != nil {
		s.log.Warn("spans are not received", "error", err)
		s.events.Add(observe.Event{Type: observe.Warning, Reason: "SpanReceiverFailed", Message: err.Error()})
		receiver = nil
	}
	return receiver, func() {
		if receiver != nil {
			if err := receiver.Close(); err != nil {
				s.log.Warn("receive spans", "error", err)
			}
		}
		cancel()
		forwarding.Wait()
	}
}

// spanEnviron is where instances send spans, in the variables that OpenTelemetry's SDKs read.
func spanEnviron(receiver *otlp.Receiver) []string {
	if receiver == nil {
		return nil
	}
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + receiver.GRPC(), "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}
}
