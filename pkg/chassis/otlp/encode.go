package otlp

import (
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkresource "go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of opentelemetry/proto/{collector/trace,trace,resource,common}/v1, field by field.
const (
	requestResourceSpans = 1

	resourceSpansResource, resourceSpansScopeSpans, resourceSpansSchemaURL = 1, 2, 3

	resourceAttributes = 1

	scopeSpansScope, scopeSpansSpans, scopeSpansSchemaURL = 1, 2, 3

	scopeName, scopeVersion, scopeAttributes = 1, 2, 3

	spanTraceID, spanID, spanTraceState, spanParentID, spanName, spanKind     = 1, 2, 3, 4, 5, 6
	spanStart, spanEnd, spanAttributes, spanDroppedAttributes                 = 7, 8, 9, 10
	spanEvents, spanDroppedEvents, spanLinks, spanDroppedLinks                = 11, 12, 13, 14
	spanStatus, spanFlags                                                     = 15, 16
	eventTime, eventName, eventAttributes, eventDroppedAttributes             = 1, 2, 3, 4
	linkTraceID, linkSpanID, linkAttributes, linkDroppedAttributes, linkFlags = 1, 2, 4, 5, 6

	statusMessage, statusCode = 2, 3
	statusOK, statusError     = 1, 2

	// flagHasRemote and flagRemote tell whether the parent lives in another process.
	flagHasRemote, flagRemote = 0x100, 0x200

	keyValueKey, keyValueValue                             = 1, 2
	valueString, valueBool, valueInt, valueDouble          = 1, 2, 3, 4
	valueArray, valueKeyValues, valueBytes, listOfAnything = 5, 6, 7, 1
)

// appendRequest appends an ExportTraceServiceRequest with the spans, which share a resource. The scopes
// come in the order of their first span.
func appendRequest(b []byte, spans []sdktrace.ReadOnlySpan) []byte {
	if len(spans) == 0 {
		return b
	}
	resource := spans[0].Resource()
	b, request := open(b, requestResourceSpans)
	b = appendResource(b, resource)
	var scopes []instrumentation.Scope
	for i, first := range spans {
		scope := first.InstrumentationScope()
		if contains(scopes, scope) {
			continue
		}
		scopes = append(scopes, scope)
		var all int
		b, all = open(b, resourceSpansScopeSpans)
		b = appendScope(b, scope)
		for _, s := range spans[i:] {
			if s.InstrumentationScope() == scope {
				b = appendSpan(b, s)
			}
		}
		b = appendString(b, scopeSpansSchemaURL, scope.SchemaURL)
		b = end(b, all)
	}
	b = appendString(b, resourceSpansSchemaURL, resource.SchemaURL())
	return end(b, request)
}

func contains(scopes []instrumentation.Scope, scope instrumentation.Scope) bool {
	for _, s := range scopes {
		if s == scope {
			return true
		}
	}
	return false
}

func appendResource(b []byte, r *sdkresource.Resource) []byte {
	b, at := open(b, resourceSpansResource)
	for it := r.Iter(); it.Next(); {
		b = appendAttribute(b, resourceAttributes, it.Attribute())
	}
	return end(b, at)
}

func appendScope(b []byte, s instrumentation.Scope) []byte {
	if s == (instrumentation.Scope{}) {
		return b
	}
	b, at := open(b, scopeSpansScope)
	b = appendString(b, scopeName, s.Name)
	b = appendString(b, scopeVersion, s.Version)
	for it := s.Attributes.Iter(); it.Next(); {
		b = appendAttribute(b, scopeAttributes, it.Attribute())
	}
	return end(b, at)
}

func appendSpan(b []byte, s sdktrace.ReadOnlySpan) []byte {
	b, at := open(b, scopeSpansSpans)
	ctx, parent := s.SpanContext(), s.Parent()
	trace, id := ctx.TraceID(), ctx.SpanID()
	b = appendBytes(b, spanTraceID, trace[:])
	b = appendBytes(b, spanID, id[:])
	if ctx.TraceState().Len() > 0 {
		b = appendString(b, spanTraceState, ctx.TraceState().String())
	}
	if p := parent.SpanID(); p.IsValid() {
		b = appendBytes(b, spanParentID, p[:])
	}
	b = appendString(b, spanName, s.Name())
	b = appendNumber(b, spanKind, kindOf(s.SpanKind()))
	b = appendFixed64(b, spanStart, s.StartTime().UnixNano())
	b = appendFixed64(b, spanEnd, s.EndTime().UnixNano())
	for _, kv := range s.Attributes() {
		b = appendAttribute(b, spanAttributes, kv)
	}
	b = appendNumber(b, spanDroppedAttributes, s.DroppedAttributes())
	for _, e := range s.Events() {
		b = appendEvent(b, e)
	}
	b = appendNumber(b, spanDroppedEvents, s.DroppedEvents())
	for _, l := range s.Links() {
		b = appendLink(b, l)
	}
	b = appendNumber(b, spanDroppedLinks, s.DroppedLinks())
	b = appendStatus(b, s.Status())
	b = appendFlags(b, spanFlags, ctx.TraceFlags(), parent)
	return end(b, at)
}

func appendEvent(b []byte, e sdktrace.Event) []byte {
	b, at := open(b, spanEvents)
	b = appendFixed64(b, eventTime, e.Time.UnixNano())
	b = appendString(b, eventName, e.Name)
	for _, kv := range e.Attributes {
		b = appendAttribute(b, eventAttributes, kv)
	}
	b = appendNumber(b, eventDroppedAttributes, e.DroppedAttributeCount)
	return end(b, at)
}

func appendLink(b []byte, l sdktrace.Link) []byte {
	b, at := open(b, spanLinks)
	trace, id := l.SpanContext.TraceID(), l.SpanContext.SpanID()
	b = appendBytes(b, linkTraceID, trace[:])
	b = appendBytes(b, linkSpanID, id[:])
	for _, kv := range l.Attributes {
		b = appendAttribute(b, linkAttributes, kv)
	}
	b = appendNumber(b, linkDroppedAttributes, l.DroppedAttributeCount)
	b = appendFlags(b, linkFlags, l.SpanContext.TraceFlags(), l.SpanContext)
	return end(b, at)
}

func appendStatus(b []byte, s sdktrace.Status) []byte {
	b, at := open(b, spanStatus)
	b = appendString(b, statusMessage, s.Description)
	switch s.Code {
	case codes.Ok:
		b = appendNumber(b, statusCode, statusOK)
	case codes.Error:
		b = appendNumber(b, statusCode, statusError)
	}
	return end(b, at)
}

// appendFlags appends W3C's trace flags, and whether parent is in another process.
func appendFlags(b []byte, field protowire.Number, f trace.TraceFlags, parent trace.SpanContext) []byte {
	flags := uint32(f) | flagHasRemote
	if parent.IsRemote() {
		flags |= flagRemote
	}
	b = protowire.AppendTag(b, field, protowire.Fixed32Type)
	return protowire.AppendFixed32(b, flags)
}

func kindOf(k trace.SpanKind) int {
	if k < trace.SpanKindInternal || k > trace.SpanKindConsumer {
		return 0
	}
	return int(k) // OpenTelemetry's API counts as OTLP does
}

func appendAttribute(b []byte, field protowire.Number, kv attribute.KeyValue) []byte {
	b, at := open(b, field)
	b = appendString(b, keyValueKey, string(kv.Key))
	b, value := open(b, keyValueValue)
	b = appendValue(b, kv.Value)
	return end(end(b, value), at)
}

// appendValue appends the one field of an AnyValue, which is there even if it holds nothing.
func appendValue(b []byte, v attribute.Value) []byte {
	switch v.Type() {
	case attribute.STRING:
		b = protowire.AppendTag(b, valueString, protowire.BytesType)
		return protowire.AppendString(b, v.AsString())
	case attribute.BOOL:
		b = protowire.AppendTag(b, valueBool, protowire.VarintType)
		return protowire.AppendVarint(b, protowire.EncodeBool(v.AsBool()))
	case attribute.INT64:
		b = protowire.AppendTag(b, valueInt, protowire.VarintType)
		return protowire.AppendVarint(b, uint64(v.AsInt64()))
	case attribute.FLOAT64:
		b = protowire.AppendTag(b, valueDouble, protowire.Fixed64Type)
		return protowire.AppendFixed64(b, math.Float64bits(v.AsFloat64()))
	case attribute.BYTESLICE:
		b = protowire.AppendTag(b, valueBytes, protowire.BytesType)
		return protowire.AppendBytes(b, v.AsByteSlice())
	case attribute.MAP:
		b, at := open(b, valueKeyValues)
		for _, kv := range v.AsMap() {
			b = appendAttribute(b, listOfAnything, kv)
		}
		return end(b, at)
	case attribute.EMPTY:
		return b
	default:
		return appendArray(b, v)
	}
}

func appendArray(b []byte, v attribute.Value) []byte {
	b, at := open(b, valueArray)
	switch v.Type() {
	case attribute.STRINGSLICE:
		b = appendValues(b, v.AsStringSlice(), attribute.StringValue)
	case attribute.BOOLSLICE:
		b = appendValues(b, v.AsBoolSlice(), attribute.BoolValue)
	case attribute.INT64SLICE:
		b = appendValues(b, v.AsInt64Slice(), attribute.Int64Value)
	case attribute.FLOAT64SLICE:
		b = appendValues(b, v.AsFloat64Slice(), attribute.Float64Value)
	case attribute.SLICE:
		b = appendValues(b, v.AsSlice(), func(v attribute.Value) attribute.Value { return v })
	}
	return end(b, at)
}

func appendValues[T any](b []byte, values []T, value func(T) attribute.Value) []byte {
	for _, v := range values {
		var at int
		b, at = open(b, listOfAnything)
		b = end(appendValue(b, value(v)), at)
	}
	return b
}
