package rbac

import (
	"fmt"

	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/match"
)

// metadataCondition is about what another filter found: a claim of a token.
func metadataCondition(m *matcherv3.MetadataMatcher) (condition, error) {
	fits, err := compileValue(m.GetValue())
	if err != nil {
		return nil, fmt.Errorf("metadata of %q: %w", m.GetFilter(), err)
	}
	var path []string
	for _, segment := range m.GetPath() {
		path = append(path, segment.GetKey())
	}
	return func(r *Request) bool { return fits(lookup(r.Metadata[m.GetFilter()], path)) != m.GetInvert() }, nil
}

// lookup is the value at a path; nil: there is none.
func lookup(fields map[string]any, path []string) any {
	for i, key := range path {
		value, ok := fields[key]
		if !ok {
			return nil
		}
		if i == len(path)-1 {
			return value
		}
		if fields, ok = value.(map[string]any); !ok {
			return nil
		}
	}
	return nil
}

func compileValue(m *matcherv3.ValueMatcher) (func(value any) bool, error) {
	switch kind := m.GetMatchPattern().(type) {
	case *matcherv3.ValueMatcher_StringMatch:
		fits, err := match.CompileString(kind.StringMatch)
		return func(value any) bool {
			text, ok := value.(string)
			return ok && fits(text)
		}, err
	case *matcherv3.ValueMatcher_ListMatch:
		one, err := compileValue(kind.ListMatch.GetOneOf())
		return func(value any) bool {
			list, ok := value.([]any)
			if !ok {
				return false
			}
			for _, element := range list {
				if one(element) {
					return true
				}
			}
			return false
		}, err
	case *matcherv3.ValueMatcher_BoolMatch:
		return func(value any) bool {
			b, ok := value.(bool)
			return ok && b == kind.BoolMatch
		}, nil
	case *matcherv3.ValueMatcher_PresentMatch:
		return func(value any) bool { return (value != nil) == kind.PresentMatch }, nil
	case *matcherv3.ValueMatcher_OrMatch:
		return compileOr(kind.OrMatch.GetValueMatchers())
	}
	return nil, fmt.Errorf("a value by %T is not supported", m.GetMatchPattern())
}

func compileOr(all []*matcherv3.ValueMatcher) (func(value any) bool, error) {
	var each []func(any) bool
	for _, m := range all {
		one, err := compileValue(m)
		if err != nil {
			return nil, err
		}
		each = append(each, one)
	}
	return func(value any) bool {
		for _, fits := range each {
			if fits(value) {
				return true
			}
		}
		return false
	}, nil
}
