package record

import (
	"strconv"
	"strings"
	"unicode/utf8"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of fields in opentelemetry/proto/collector/trace/v1/trace_service.proto, trace/v1/trace.proto, resource/v1/resource.proto
// and common/v1/common.proto of OTLP 1.
const (
	requestResourceSpans  protowire.Number = 1
	resourceSpansResource protowire.Number = 1
	resourceSpansScopes   protowire.Number = 2
	resourceAttributes    protowire.Number = 1
	scopeSpansSpans       protowire.Number = 2

	spanTrace      protowire.Number = 1
	spanSpan       protowire.Number = 2
	spanParent     protowire.Number = 4
	spanName       protowire.Number = 5
	spanKind       protowire.Number = 6
	spanStart      protowire.Number = 7
	spanEnd        protowire.Number = 8
	spanAttributes protowire.Number = 9
	spanStatus     protowire.Number = 15

	statusMessage protowire.Number = 2
	statusCode    protowire.Number = 3

	attributeKey   protowire.Number = 1
	attributeValue protowire.Number = 2
	valueText      protowire.Number = 1
)

// appendSpan appends the span of a request, encoded as a message of OTLP. The node is the sidecar's id.
func appendSpan(b []byte, e *Entry, node string) []byte {
	b = appendField(b, spanTrace, e.Span.Trace[:])
	b = appendField(b, spanSpan, e.Span.Span[:])
	b = appendField(b, spanParent, e.Span.Parent[:])
	name, rest := e.Operation, ""
	if name == "" {
		name, rest = e.Authority, "/*"
	}
	name = valid(name)
	b = protowire.AppendTag(b, spanName, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(name)+len(rest)))
	b = append(append(b, name...), rest...)
	kind := tracepb.Span_SPAN_KIND_CLIENT
	if e.Inbound {
		kind = tracepb.Span_SPAN_KIND_SERVER
	}
	b = appendVarint(b, spanKind, uint64(kind))
	b = protowire.AppendTag(b, spanStart, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, uint64(e.Start.UnixNano()))
	b = protowire.AppendTag(b, spanEnd, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, uint64(e.Start.Add(e.Duration).UnixNano()))
	grpcStatus := ""
	if e.GRPCStatus != "" {
		if n, err := strconv.Atoi(e.GRPCStatus); err == nil {
			grpcStatus = codes.Code(n).String()
		}
	}
	b = appendAttributes(b, e, node, grpcStatus)
	if e.Status >= 500 || e.Flags != 0 || grpcStatus != "" && grpcStatus != codes.OK.String() {
		b = appendStatus(b, valid(e.Details))
	}
	return b
}

// appendStatus appends that the request has failed.
func appendStatus(b []byte, details string) []byte {
	size := protowire.SizeTag(statusCode) + protowire.SizeVarint(uint64(tracepb.Status_STATUS_CODE_ERROR))
	if details != "" {
		size += protowire.SizeTag(statusMessage) + protowire.SizeBytes(len(details))
	}
	b = protowire.AppendTag(b, spanStatus, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(size))
	if details != "" {
		b = appendField(b, statusMessage, details)
	}
	return appendVarint(b, statusCode, uint64(tracepb.Status_STATUS_CODE_ERROR))
}

func appendAttributes(b []byte, e *Entry, node, grpcStatus string) []byte {
	security := "none"
	if e.MutualTLS {
		security = "mutual_tls"
	}
	for _, kv := range [...][2]string{
		{"component", "proxy"},
		{"response_flags", e.Flags.String()},
		{"node_id", node},
		{"response_code_details", e.Details},
		{"upstream_cluster", e.Cluster},
		{"upstream_address", e.UpstreamHost},
		{"route_name", e.Route},
		{"istio.config", e.Config},
		{"istio.rule", e.Rule},
		{"istio.match", e.Match},
		{"enforced_effective_policy_id", e.Policy},
		{"shadow_effective_policy_id", e.Shadow},
		{"http.request.method", e.Method},
		{"url.path", e.Path},
		{"authority", e.Authority},
		{"request_id", e.RequestID},
		{"connection_security_policy", security},
		{"peer.principal", e.Principal},
		{"grpc.status", grpcStatus},
	} {
		if kv[1] != "" {
			b = appendAttribute(b, spanAttributes, kv[0], valid(kv[1]))
		}
	}
	var digits [20]byte
	b = appendAttribute(b, spanAttributes, "attempts", strconv.AppendInt(digits[:0], int64(e.Attempts), 10))
	if e.Status != 0 {
		b = appendAttribute(b, spanAttributes, "http.response.status_code", strconv.AppendInt(digits[:0], int64(e.Status), 10))
	}
	return b
}

// valid is a text as protobuf permits it: a caller may write any bytes, and a collector would refuse the whole message for them.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// appendAttribute appends a KeyValue with a text as the field of a message.
func appendAttribute[T string | []byte](b []byte, field protowire.Number, key string, text T) []byte {
	value := protowire.SizeTag(valueText) + protowire.SizeBytes(len(text))
	pair := protowire.SizeTag(attributeKey) + protowire.SizeBytes(len(key)) + protowire.SizeTag(attributeValue) + protowire.SizeBytes(value)
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(pair))
	b = appendField(b, attributeKey, key)
	b = protowire.AppendTag(b, attributeValue, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(value))
	return appendField(b, valueText, text)
}

// appendField appends a field of text, of bytes, or of an encoded message.
func appendField[T string | []byte](b []byte, field protowire.Number, value T) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(value)))
	return append(b, value...)
}

func appendVarint(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}
