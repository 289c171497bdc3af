package route

import (
	"errors"
	"fmt"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// Operations change the fields of a request and of its response.
type Operations struct {
	request, response []mutation
}

// mutation is what one level of a configuration does: remove, then set, then add.
type mutation struct {
	remove   []string
	set, add []header
}

type header struct {
	name      string
	value     value
	ifAbsent  bool
	ifPresent bool
	keepEmpty bool
}

// changer is a part of a route configuration that changes fields.
type changer interface {
	GetRequestHeadersToAdd() []*corev3.HeaderValueOption
	GetRequestHeadersToRemove() []string
	GetResponseHeadersToAdd() []*corev3.HeaderValueOption
	GetResponseHeadersToRemove() []string
}

var (
	_ changer = (*routev3.Route)(nil)
	_ changer = (*routev3.VirtualHost)(nil)
	_ changer = (*routev3.WeightedCluster_ClusterWeight)(nil)
)

// operationsOf are those of a route, then of its virtual host, then of the whole configuration. Those of a cluster among
// several come before.
func operationsOf(levels ...changer) (Operations, error) {
	var all Operations
	for _, level := range levels {
		one, err := compileOperations(level)
		if err != nil {
			return all, err
		}
		all.request = append(all.request, one.request...)
		all.response = append(all.response, one.response...)
	}
	return all, nil
}

func compileOperations(level changer) (Operations, error) {
	var o Operations
	request, err := compileMutation(level.GetRequestHeadersToAdd(), level.GetRequestHeadersToRemove())
	if err != nil {
		return o, err
	}
	response, err := compileMutation(level.GetResponseHeadersToAdd(), level.GetResponseHeadersToRemove())
	if err != nil {
		return o, err
	}
	if request != nil {
		o.request = []mutation{*request}
	}
	if response != nil {
		o.response = []mutation{*response}
	}
	return o, nil
}

func compileMutation(options []*corev3.HeaderValueOption, remove []string) (*mutation, error) {
	if len(options)+len(remove) == 0 {
		return nil, nil
	}
	m := &mutation{}
	for _, name := range remove {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, ":") || name == "host" {
			return nil, fmt.Errorf("header %q cannot be removed", name)
		}
		m.remove = append(m.remove, name)
	}
	for _, option := range options {
		h := header{name: strings.ToLower(option.GetHeader().GetKey()), keepEmpty: option.GetKeepEmptyValue()}
		if h.name == "" || strings.HasPrefix(h.name, ":") || h.name == "host" {
			return nil, fmt.Errorf("header %q cannot be changed", h.name)
		}
		var err error
		if h.value, err = compileValue(option.GetHeader().GetValue()); err != nil {
			return nil, fmt.Errorf("header %q: %w", h.name, err)
		}
		switch option.GetAppendAction() {
		case corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD:
			m.add = append(m.add, h)
			continue
		case corev3.HeaderValueOption_ADD_IF_ABSENT:
			h.ifAbsent = true
		case corev3.HeaderValueOption_OVERWRITE_IF_EXISTS:
			h.ifPresent = true
		case corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD:
		default:
			return nil, fmt.Errorf("header %q: the action %s is not supported", h.name, option.GetAppendAction())
		}
		m.set = append(m.set, h)
	}
	return m, nil
}

// apply changes fields; read looks up those of the request.
func (m *mutation) apply(f *field.Fields, read func(name string) (string, bool)) {
	for _, name := range m.remove {
		f.Del(name)
	}
	for i := range m.set {
		h := &m.set[i]
		if h.ifAbsent && f.Has(h.name) || h.ifPresent && !f.Has(h.name) {
			continue
		}
		if text := h.value.expand(read); text != "" || h.keepEmpty {
			f.Set(h.name, text)
		}
	}
	for i := range m.add {
		h := &m.add[i]
		if text := h.value.expand(read); text != "" || h.keepEmpty {
			f.Add(h.name, text)
		}
	}
}

// value is a text with parts that are fields of the request: "%REQ(x-canary)%".
type value struct {
	text  string
	parts []part // nil: the text alone
}

type part struct {
	text  string
	names []string // fields of the request, of which the first that is there counts
}

func compileValue(text string) (value, error) {
	if !strings.Contains(text, "%") {
		return value{text: text}, nil
	}
	var v value
	for text != "" {
		before, rest, found := strings.Cut(text, "%")
		if before != "" {
			v.parts = append(v.parts, part{text: before})
		}
		if !found {
			break
		}
		operator, after, closed := strings.Cut(rest, "%")
		switch {
		case !closed:
			return v, errors.New("a % has to be doubled, or to enclose an operator")
		case operator == "":
			v.parts = append(v.parts, part{text: "%"})
		default:
			inner, ok := strings.CutPrefix(operator, "REQ(")
			if !ok || !strings.HasSuffix(inner, ")") {
				return v, fmt.Errorf("the operator %%%s%% is not supported: only %%REQ(NAME)%% is", operator)
			}
			v.parts = append(v.parts, part{names: strings.Split(strings.ToLower(strings.TrimSuffix(inner, ")")), "?")})
		}
		text = after
	}
	return v, nil
}

func (v *value) expand(read func(name string) (string, bool)) string {
	if v.parts == nil {
		return v.text
	}
	var b strings.Builder
	for _, p := range v.parts {
		b.WriteString(p.text)
		for _, name := range p.names {
			if text, ok := read(name); ok {
				b.WriteString(text)
				break
			}
		}
	}
	return b.String()
}

// ChangeRequest makes of a request what is sent on: its fields, path and authority. The target is the one picked for it.
func (r *Route) ChangeRequest(target *Target, f *field.Fields) {
	request := field.ReadRequest(*f)
	read := func(name string) (string, bool) {
		now := field.ReadRequest(*f)
		return now.Lookup(name)
	}
	for i := range target.operations.request {
		target.operations.request[i].apply(f, read)
	}
	for i := range r.operations.request {
		r.operations.request[i].apply(f, read)
	}
	r.rewrite.apply(&request, target.authority, f)
}

// ChangeResponse changes the fields of a response, also of one that the sidecar itself makes for the route. The target
// is nil where none was picked.
func (r *Route) ChangeResponse(target *Target, request *field.Request, f *field.Fields) {
	if target != nil {
		for i := range target.operations.response {
			target.operations.response[i].apply(f, request.Lookup)
		}
	}
	for i := range r.operations.response {
		r.operations.response[i].apply(f, request.Lookup)
	}
}
