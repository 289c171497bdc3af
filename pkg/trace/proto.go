package trace

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/rpc/code"
)

// Spans reads the spans of OTLP. Those without a valid trace id or span id, and those whose parent or links have ids of a
// wrong length, are left out and counted, as OTLP requires.
func Spans(data *tracepb.TracesData) (spans []*Span, refused int) {
	for _, rs := range data.GetResourceSpans() {
		resource := attributes(rs.GetResource().GetAttributes())
		service := ""
		for _, a := range resource {
			if a.Key == "service.name" {
				service = a.Value
			}
		}
		for _, ss := range rs.GetScopeSpans() {
			for _, p := range ss.GetSpans() {
				s, ok := newSpan(p)
				if !ok {
					refused++
					continue
				}
				s.Service, s.Resource = service, resource
				spans = append(spans, s)
			}
		}
	}
	return spans, refused
}

func newSpan(p *tracepb.Span) (*Span, bool) {
	if !validID(p.GetTraceId(), len(ID{})) || !validID(p.GetSpanId(), len(SpanID{})) || !absentOr(p.GetParentSpanId(), len(SpanID{})) {
		return nil, false
	}
	for _, l := range p.GetLinks() {
		if !absentOr(l.GetTraceId(), len(ID{})) || !absentOr(l.GetSpanId(), len(SpanID{})) {
			return nil, false
		}
	}
	s := &Span{
		Record: Record{
			Trace: ID(p.GetTraceId()), Span: SpanID(p.GetSpanId()), Kind: Kind(p.GetKind()), Name: p.GetName(),
			Start: timeOf(p.GetStartTimeUnixNano()), End: timeOf(p.GetEndTimeUnixNano()),
			Error: p.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR,
		},
		Message:    p.GetStatus().GetMessage(),
		Attributes: attributes(p.GetAttributes()),
	}
	if len(p.GetParentSpanId()) == len(SpanID{}) {
		s.Parent = SpanID(p.GetParentSpanId())
	}
	for _, e := range p.GetEvents() {
		s.Events = append(s.Events, Event{timeOf(e.GetTimeUnixNano()), e.GetName(), attributes(e.GetAttributes())})
	}
	for _, l := range p.GetLinks() {
		link := Link{Attributes: attributes(l.GetAttributes())}
		copy(link.Trace[:], l.GetTraceId())
		copy(link.Span[:], l.GetSpanId())
		s.Links = append(s.Links, link)
	}
	for _, a := range s.Attributes {
		s.Describe(a.Key, a.Value)
	}
	return s, true
}

// validID reports whether an id has its length and is not all zero.
func validID(id []byte, size int) bool {
	if len(id) != size {
		return false
	}
	for _, b := range id {
		if b != 0 {
			return true
		}
	}
	return false
}

// absentOr reports whether an id is empty or has its length.
func absentOr(id []byte, size int) bool { return len(id) == 0 || len(id) == size }

// Described returns the key of an attribute that a record holds something of, and "" for any other.
func Described(key []byte) string {
	for _, known := range [...]string{
		"peer.service", "server.address", "net.peer.name", "server.port", "net.peer.port",
		"rpc.response.status_code", "rpc.grpc.status_code", "http.response.status_code", "http.status_code",
		"rpc.system.name", "rpc.system", "db.system.name", "db.system", "messaging.system",
		"http.request.method", "http.method", componentKey,
	} {
		if string(key) == known {
			return known
		}
	}
	return ""
}

// Describe takes from an attribute what a record holds of it: by the newer names of OpenTelemetry's
// conventions, and by the older ones that many SDKs still send.
func (r *Record) Describe(key, value string) {
	switch key {
	case "peer.service":
		r.Peer = value
	case "server.address", "net.peer.name":
		if r.Peer == "" {
			r.Peer = value
		}
	case "server.port", "net.peer.port":
		r.Port = value
	case "rpc.response.status_code", "http.response.status_code", "http.status_code":
		r.Code = value
	case "rpc.grpc.status_code":
		if number, err := strconv.ParseUint(value, 10, 8); err == nil && r.Code == "" {
			r.Code = code.Name(codes.Code(number))
		}
	case "rpc.system.name", "rpc.system", "db.system.name", "db.system", "messaging.system":
		r.Protocol = value
	case componentKey:
		r.Proxy = value == componentProxy
	case "http.request.method", "http.method":
		if r.Protocol == "" {
			r.Protocol = "http"
		}
	}
}

// timeOf is a moment of OTLP; one beyond what a time can hold is the last that it can.
func timeOf(nanos uint64) time.Time {
	return time.Unix(0, int64(min(nanos, math.MaxInt64))).UTC()
}

func attributes(list []*commonpb.KeyValue) []Attribute {
	if len(list) == 0 {
		return nil
	}
	out := make([]Attribute, 0, len(list))
	for _, kv := range list {
		out = append(out, Attribute{kv.GetKey(), text(kv.GetValue())})
	}
	return out
}

// text is a value as people read it: arrays and maps as JSON.
func text(v *commonpb.AnyValue) string {
	switch plain := plainValue(v.GetValue()).(type) {
	case nil:
		return ""
	case string:
		return plain
	default:
		out, err := json.Marshal(plain)
		if err != nil {
			return ""
		}
		return string(out)
	}
}

// plainValue is a value as encoding/json writes it.
func plainValue(value any) any {
	switch v := value.(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_BoolValue:
		return v.BoolValue
	case *commonpb.AnyValue_IntValue:
		return v.IntValue
	case *commonpb.AnyValue_DoubleValue:
		if math.IsNaN(v.DoubleValue) || math.IsInf(v.DoubleValue, 0) {
			return strconv.FormatFloat(v.DoubleValue, 'g', -1, 64)
		}
		return v.DoubleValue
	case *commonpb.AnyValue_BytesValue:
		return base64.StdEncoding.EncodeToString(v.BytesValue)
	case *commonpb.AnyValue_ArrayValue:
		list := []any{}
		for _, e := range v.ArrayValue.GetValues() {
			list = append(list, plainValue(e.GetValue()))
		}
		return list
	case *commonpb.AnyValue_KvlistValue:
		object := map[string]any{}
		for _, kv := range v.KvlistValue.GetValues() {
			object[kv.GetKey()] = plainValue(kv.GetValue().GetValue())
		}
		return object
	}
	return nil
}
