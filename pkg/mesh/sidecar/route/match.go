package route

import (
	"errors"
	"fmt"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	templatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/path/match/uri_template/v3"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/match"
)

// condition is when a route fits.
type condition struct {
	path    func(path string) bool // nil: every path
	prefix  string                 // what a rewrite replaces; "" where that is the whole path
	headers []match.Header
	queries []query
}

type query struct {
	name  string
	value match.String // nil: any
	want  bool
}

func compileCondition(m *routev3.RouteMatch) (condition, error) {
	var c condition
	if m.GetRuntimeFraction() != nil || m.GetGrpc() != nil || m.GetTlsContext() != nil || len(m.GetDynamicMetadata()) > 0 ||
		len(m.GetCookies()) > 0 || len(m.GetFilterState()) > 0 {
		return c, errors.New("a match by chance, protocol, TLS, cookie or metadata is not supported: only path, headers and query are")
	}
	if err := c.compilePath(m); err != nil {
		return c, err
	}
	for _, h := range m.GetHeaders() {
		header, err := match.CompileHeader(h)
		if err != nil {
			return c, fmt.Errorf("header %q: %w", h.GetName(), err)
		}
		c.headers = append(c.headers, header)
	}
	for _, q := range m.GetQueryParameters() {
		compiled := query{name: q.GetName(), want: true}
		switch kind := q.GetQueryParameterMatchSpecifier().(type) {
		case *routev3.QueryParameterMatcher_StringMatch:
			value, err := match.CompileString(kind.StringMatch)
			if err != nil {
				return c, fmt.Errorf("query parameter %q: %w", q.GetName(), err)
			}
			compiled.value = value
		case *routev3.QueryParameterMatcher_PresentMatch:
			compiled.want = kind.PresentMatch
		}
		c.queries = append(c.queries, compiled)
	}
	return c, nil
}

func (c *condition) compilePath(m *routev3.RouteMatch) error {
	fold := m.GetCaseSensitive() != nil && !m.GetCaseSensitive().GetValue()
	switch p := m.GetPathSpecifier().(type) {
	case *routev3.RouteMatch_Prefix:
		c.prefix = p.Prefix
		if p.Prefix != "/" {
			c.path = func(path string) bool { return hasPrefix(path, p.Prefix, fold) }
		}
	case *routev3.RouteMatch_PathSeparatedPrefix:
		c.prefix = p.PathSeparatedPrefix
		prefix := c.prefix
		c.path = func(path string) bool {
			return hasPrefix(path, prefix, fold) && (len(path) == len(prefix) || path[len(prefix)] == '/')
		}
	case *routev3.RouteMatch_Path:
		c.path = func(path string) bool { return len(path) == len(p.Path) && hasPrefix(path, p.Path, fold) }
	case *routev3.RouteMatch_SafeRegex:
		fits, err := match.Regex(p.SafeRegex.GetRegex())
		if err != nil {
			return err
		}
		c.path = fits
	case *routev3.RouteMatch_PathMatchPolicy:
		fits, err := compileTemplate(p.PathMatchPolicy.GetTypedConfig())
		if err != nil {
			return err
		}
		c.path = fits
	default:
		return fmt.Errorf("a match of the path by %T is not supported", p)
	}
	return nil
}

func compileTemplate(config *anypb.Any) (func(string) bool, error) {
	var template templatev3.UriTemplateMatchConfig
	if err := config.UnmarshalTo(&template); err != nil {
		return nil, err
	}
	return match.Template(template.GetPathTemplate())
}

func hasPrefix(path, prefix string, fold bool) bool {
	if fold {
		return len(path) >= len(prefix) && strings.EqualFold(path[:len(prefix)], prefix)
	}
	return strings.HasPrefix(path, prefix)
}

// fits reports whether all conditions hold for a request.
func (c *condition) fits(r *field.Request) bool {
	if c.path != nil && !c.path(r.PathOnly()) {
		return false
	}
	for i := range c.headers {
		if !c.headers[i].Fits(r) {
			return false
		}
	}
	for i := range c.queries {
		q := &c.queries[i]
		value, ok := r.QueryValue(q.name)
		if q.value != nil && ok {
			ok = q.value(value)
		}
		if ok != q.want {
			return false
		}
	}
	return true
}
