package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

// Publish sends events and returns how many of them, from the first on, the server has stored. The events of one order keep
// their order, even if some of them are sent again: none is sent before the ones before it are stored.
func (b *Bus) Publish(ctx context.Context, events []shopevent.Event) (stored int, err error) {
	if err := b.streams(ctx); err != nil {
		return 0, err
	}
	for stored < len(events) {
		n, err := b.publishTogether(ctx, together(events[stored:]))
		stored += n
		if err != nil {
			return stored, fmt.Errorf("send event %s: %w", events[stored].ID, explain(err))
		}
	}
	return stored, nil
}

// together are the first events, each of another order.
func together(events []shopevent.Event) []shopevent.Event {
	orders := map[string]bool{}
	for i, e := range events {
		if orders[e.Subject] {
			return events[:i]
		}
		orders[e.Subject] = true
	}
	return events
}

// publishTogether sends events without waiting between them.
func (b *Bus) publishTogether(ctx context.Context, events []shopevent.Event) (stored int, err error) {
	acks := make([]jetstream.PubAckFuture, 0, len(events))
	spans := make([]trace.Span, 0, len(events))
	defer func() {
		for i, span := range spans {
			if i >= stored {
				span.SetStatus(codes.Error, "not stored")
			}
			span.End()
		}
	}()
	var failure error
	for _, e := range events {
		msg, span, err := b.message(ctx, e)
		if err == nil {
			spans = append(spans, span)
			var ack jetstream.PubAckFuture
			if ack, err = b.js.PublishMsgAsync(msg); err == nil {
				acks = append(acks, ack)
				continue
			}
		}
		failure = err
		break
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
			stored++
		case err := <-ack.Err():
			return stored, err
		case <-ctx.Done():
			return stored, ctx.Err()
		}
	}
	return stored, failure
}

// message makes the message of an event, and the span of its sending.
func (b *Bus) message(ctx context.Context, e shopevent.Event) (*nats.Msg, trace.Span, error) {
	payload, err := e.Encode()
	if err != nil {
		return nil, nil, err
	}
	subject := shopevent.SubjectPrefix + e.Type
	caused := propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": e.TraceParent, "tracestate": e.TraceState})
	caused, span := b.cfg.Tracer.Start(caused, "send "+subject, trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(attributesOf(subject, e.ID, "send", "publish")...))
	msg := nats.NewMsg(subject)
	msg.Data = payload
	msg.Header.Set(jetstream.MsgIDHeader, e.ID)
	msg.Header.Set("content-type", shopevent.ContentType)
	propagation.TraceContext{}.Inject(caused, header(msg.Header))
	if msg.Header.Get("traceparent") == "" && e.TraceParent != "" { // no span is recorded here
		msg.Header.Set("traceparent", e.TraceParent)
	}
	return msg, span, nil
}

// attributesOf describe a message by OpenTelemetry's conventions for messaging.
func attributesOf(subject, id, operation, name string) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "nats"), attribute.String("messaging.destination.name", subject), attribute.String("messaging.message.id", id),
		attribute.String("messaging.operation.type", operation), attribute.String("messaging.operation.name", name),
	}
}

// header is a message's header, whose names have their own case.
type header nats.Header

func (h header) Get(key string) string { return nats.Header(h).Get(key) }
func (h header) Set(key, value string) { nats.Header(h).Set(key, value) }
func (h header) Keys() []string {
	keys := make([]string, 0, len(h))
	for key := range h {
		keys = append(keys, key)
	}
	return keys
}
