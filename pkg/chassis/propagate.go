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

// propagator reads and writes what OTEL_PROPAGATORS names, by OpenTelemetry's specification: W3C's trace context
// and baggage unless told otherwise, nothing at all with none. What it does not know, it leaves out and returns
// as unknown.
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

// listed are the words of a list with commas, without what is empty.
func listed(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for word := range strings.SplitSeq(text, ",") {
			if word = strings.TrimSpace(word); word != "" && !yield(word) {
				return
			}
		}
	}
}

// baggageAttributes notes on each span what of these keys its request carries as baggage. Baggage comes from
// outside, so that only keys that somebody asked for become attributes.
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
