package chassis

import (
	"context"
	"iter"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// propagator returns what OTEL_PROPAGATORS names, by OpenTelemetry's specification: by default W3C's trace context and
// baggage, nothing with none. It skips unknown names and returns them.
func propagator(names string) (_ propagation.TextMapPropagator, unknown []string) {
	if strings.TrimSpace(names) == "" {
		names = "tracecontext,baggage"
	}
	var all []propagation.TextMapPropagator
	none := false
	for name := range listed(names) {
		switch strings.ToLower(name) {
		case "tracecontext":
			all = append(all, propagation.TraceContext{})
		case "baggage":
			all = append(all, propagation.Baggage{})
		case "none":
			none = true
		default:
			unknown = append(unknown, name)
		}
	}
	if none {
		all = nil
	}
	return propagation.NewCompositeTextMapPropagator(all...), unknown
}

// listed yields the words of a comma-separated list that are not empty.
func listed(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for word := range strings.SplitSeq(text, ",") {
			if word = strings.TrimSpace(word); word != "" && !yield(word) {
				return
			}
		}
	}
}

// baggageAttributes copies these keys of a request's baggage to the attributes of its spans. Baggage comes from outside,
// so only configured keys are copied.
type baggageAttributes []string

// OnStart implements sdktrace.SpanProcessor.
func (keys baggageAttributes) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	carried := baggage.FromContext(ctx)
	if carried.Len() == 0 {
		return
	}
	for _, key := range keys {
		if value := carried.Member(key).Value(); value != "" {
			s.SetAttributes(attribute.String(key, value))
		}
	}
}

// OnEnd implements sdktrace.SpanProcessor.
func (baggageAttributes) OnEnd(sdktrace.ReadOnlySpan) {}

// Shutdown implements sdktrace.SpanProcessor.
func (baggageAttributes) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (baggageAttributes) ForceFlush(context.Context) error { return nil }
