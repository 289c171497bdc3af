package spans

import (
	"bytes"
	"fmt"
	"math"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/trace"
)

// Numbers of the fields of opentelemetry.proto.trace.v1 that are read.
const (
	fieldResourceSpans = 1 // of ExportTraceServiceRequest
	fieldNested        = 2 // scope_spans of ResourceSpans, spans of ScopeSpans
)

// parsed is the result of one pass over an encoded span; its slices are parts of the request.
type parsed struct {
	raw, name    []byte
	trace        trace.ID
	span, parent trace.SpanID
	// sentIn and sent are of the first link.
	sentIn     trace.ID
	sent       trace.SpanID
	kind       trace.Kind
	failed     bool
	start, end int64 // nanoseconds since 1970; both 0 if they cannot be right
	attributes [][]byte
	// hasTrace and hasSpan: the ids are there and valid.
	hasTrace, hasSpan bool
	// wrong is what is not right about an id that was given; "" if nothing is.
	wrong string
}

// group is the spans of one scope in a request.
type group struct {
	// resource is the number of its resource in the batch; scope is the encoded ScopeSpans without its spans.
	resource int
	scope    []byte
	spans    []parsed
}

// batch is a request that was parsed. Its memory serves for the next one.
type batch struct {
	// resources are encoded ResourceSpans without their scopes.
	resources [][]byte
	groups    []group
	// refused counts the spans that have no valid ids; reason names the first of them.
	refused int
	reason  string
}

// Beyond these, a batch does not keep its memory for the next.
const maxReusedGroups, maxReusedSpans, maxReusedAttributes = 64, 1024, 64

// reset makes the batch empty. It drops the request.
func (b *batch) reset() {
	if cap(b.groups) > maxReusedGroups || cap(b.resources) > maxReusedGroups {
		*b = batch{}
	}
	for i := range b.groups {
		b.groups[i].reset()
	}
	b.resources, b.groups, b.refused, b.reason = b.resources[:0], b.groups[:0], 0, ""
}

func (g *group) reset() {
	if cap(g.spans) > maxReusedSpans {
		g.spans = nil
	}
	for i := range g.spans {
		attributes := g.spans[i].attributes
		if cap(attributes) > maxReusedAttributes {
			attributes = nil
		}
		clear(attributes)
		g.spans[i] = parsed{attributes: attributes[:0]}
	}
	g.spans = g.spans[:0]
}

// parse walks an encoded ExportTraceServiceRequest.
func (b *batch) parse(request []byte) error {
	return fields(request, func(num protowire.Number, _, value []byte) error {
		if num != fieldResourceSpans || value == nil {
			return nil
		}
		return b.resourceSpans(value)
	})
}

// grow lengthens a slice by an element that may hold memory of an earlier use.
func grow[T any](list []T) []T {
	if len(list) < cap(list) {
		return list[:len(list)+1]
	}
	var zero T
	return append(list, zero)
}

func (b *batch) resourceSpans(message []byte) error {
	b.resources = grow(b.resources)
	number := len(b.resources) - 1
	resource := b.resources[number][:0]
	err := fields(message, func(num protowire.Number, whole, value []byte) error {
		if num != fieldNested || value == nil {
			resource = append(resource, whole...)
			return nil
		}
		return b.scopeSpans(number, value)
	})
	b.resources[number] = resource
	return err
}

func (b *batch) scopeSpans(resource int, message []byte) error {
	b.groups = grow(b.groups)
	g := &b.groups[len(b.groups)-1]
	g.resource, g.scope, g.spans = resource, g.scope[:0], g.spans[:0]
	err := fields(message, func(num protowire.Number, whole, value []byte) error {
		if num != fieldNested || value == nil {
			g.scope = append(g.scope, whole...)
			return nil
		}
		g.spans = grow(g.spans)
		p := &g.spans[len(g.spans)-1]
		*p = parsed{raw: value, attributes: p.attributes[:0]}
		err := p.read()
		if reason := p.refusal(); reason != "" {
			if b.refused++; b.refused == 1 {
				b.reason = reason
			}
			*p = parsed{}
			g.spans = g.spans[:len(g.spans)-1]
		}
		return err
	})
	if len(g.spans) == 0 {
		b.groups = b.groups[:len(b.groups)-1]
	}
	return err
}

// read walks the span itself. Its attributes are noted and left encoded.
func (p *parsed) read() error {
	for rest := p.raw; len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return protowire.ParseError(n)
		}
		rest = rest[n:]
		n = protowire.ConsumeFieldValue(num, typ, rest)
		if n < 0 {
			return protowire.ParseError(n)
		}
		switch typ {
		case protowire.BytesType:
			value, _ := protowire.ConsumeBytes(rest)
			if err := p.bytesField(num, value); err != nil {
				return err
			}
		case protowire.Fixed64Type:
			value, _ := protowire.ConsumeFixed64(rest)
			p.fixedField(num, value)
		case protowire.VarintType:
			if value, _ := protowire.ConsumeVarint(rest); num == 6 {
				p.kind = trace.Kind(min(value, uint64(trace.Consumer)+1))
			}
		}
		rest = rest[n:]
	}
	if p.kind > trace.Consumer {
		p.kind = trace.Unspecified
	}
	if !trace.Timed(time.Unix(0, p.start), time.Unix(0, p.end)) {
		p.start, p.end = 0, 0
	}
	return nil
}

func (p *parsed) bytesField(num protowire.Number, value []byte) error {
	switch num {
	case 1:
		p.checkID("trace id", value, len(p.trace))
		if p.hasTrace = len(value) == len(p.trace); p.hasTrace {
			p.trace = trace.ID(value)
			p.hasTrace = p.trace != trace.ID{}
		}
	case 2:
		p.checkID("span id", value, len(p.span))
		if p.hasSpan = len(value) == len(p.span); p.hasSpan {
			p.span = trace.SpanID(value)
			p.hasSpan = p.span != trace.SpanID{}
		}
	case 4:
		p.checkID("id of the parent", value, len(p.parent))
		if len(value) == len(p.parent) {
			p.parent = trace.SpanID(value)
		}
	case 13:
		return p.link(value)
	case 5:
		p.name = value
	case 9:
		p.attributes = append(p.attributes, value)
	case 15:
		return fields(value, func(num protowire.Number, whole, value []byte) error {
			if num == 3 && value == nil {
				_, _, n := protowire.ConsumeTag(whole)
				code, _ := protowire.ConsumeVarint(whole[n:])
				p.failed = code == uint64(tracepb.Status_STATUS_CODE_ERROR)
			}
			return nil
		})
	}
	return nil
}

// link reads a link, and keeps what the first one names.
func (p *parsed) link(encoded []byte) error {
	first := p.sent == trace.SpanID{}
	return fields(encoded, func(num protowire.Number, _, id []byte) error {
		switch {
		case num == 1 && id != nil:
			p.checkID("trace id of a link", id, len(p.trace))
			if first && len(id) == len(p.sentIn) {
				p.sentIn = trace.ID(id)
			}
		case num == 2 && id != nil:
			p.checkID("span id of a link", id, len(p.span))
			if first && len(id) == len(p.sent) {
				p.sent = trace.SpanID(id)
			}
		}
		return nil
	})
}

// checkID notes an id that has a wrong length.
func (p *parsed) checkID(what string, id []byte, size int) {
	if len(id) == 0 || len(id) == size || p.wrong != "" {
		return
	}
	text := fmt.Sprintf("%q", id[:min(len(id), 2*len(p.trace)+8)])
	if bytes.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }) {
		text = fmt.Sprintf("of %d bytes", len(id))
	}
	p.wrong = fmt.Sprintf("%s %s is not one: want %d bytes, %d hexadecimal digits in JSON", what, text, size, 2*size)
}

// refusal is why a span is not taken, with its name; "" if it is.
func (p *parsed) refusal() string {
	wrong := p.wrong
	switch {
	case wrong != "":
	case !p.hasTrace || !p.hasSpan:
		wrong = fmt.Sprintf("want a trace id of %d bytes and a span id of %d bytes that are not all zero", len(p.trace), len(p.span))
	default:
		return ""
	}
	return fmt.Sprintf("span %q: %s", p.name[:min(len(p.name), 100)], wrong)
}

func (p *parsed) fixedField(num protowire.Number, value uint64) {
	nanos := int64(min(value, math.MaxInt64))
	switch num {
	case 7:
		p.start = nanos
	case 8:
		p.end = nanos
	}
}

// begins is where a span lies among others: at its start, or behind all whose start is known.
func (p *parsed) begins() int64 {
	if p.start == 0 {
		return math.MaxInt64
	}
	return p.start
}

// checkResource reads a resource whole, and returns the name of its service.
func checkResource(encoded []byte) (service string, err error) {
	var rs tracepb.ResourceSpans
	if err := proto.Unmarshal(encoded, &rs); err != nil {
		return "", fmt.Errorf("read resource: %w", err)
	}
	for _, kv := range rs.GetResource().GetAttributes() {
		if kv.GetKey() == "service.name" {
			service = kv.GetValue().GetStringValue()
		}
	}
	return service, nil
}

func checkScope(encoded []byte) error {
	if err := proto.Unmarshal(encoded, &tracepb.ScopeSpans{}); err != nil {
		return fmt.Errorf("read scope: %w", err)
	}
	return nil
}
