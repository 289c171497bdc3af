package overlay

import (
	"maps"
	"regexp"
	"strings"

	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
)

// and returns a match that fits what m and the fault fit; false if nothing does.
func (f *Fault) and(m *networking.HTTPMatchRequest) (*networking.HTTPMatchRequest, bool) {
	both := proto.CloneOf(m)
	for key, value := range f.Source {
		if has, ok := m.GetSourceLabels()[key]; ok && has != value {
			return nil, false
		}
	}
	if len(f.Source) > 0 {
		both.SourceLabels = maps.Clone(f.Source)
		maps.Copy(both.SourceLabels, m.GetSourceLabels())
	}
	if f.SourceNamespace != "" {
		if ns := m.GetSourceNamespace(); ns != "" && ns != f.SourceNamespace {
			return nil, false
		}
		both.SourceNamespace = f.SourceNamespace
	}
	for name, value := range f.Headers {
		without, excluded := m.GetWithoutHeaders()[name]
		if !fits(m.GetHeaders()[name], value, false) || excluded && fits(without, value, false) {
			return nil, false
		}
		if both.Headers == nil {
			both.Headers = map[string]*networking.StringMatch{}
		}
		both.Headers[name] = exact(value)
	}
	uri, ok := f.Path.and(m.GetUri(), m.GetIgnoreUriCase())
	both.Uri = uri
	return both, ok
}

// and returns a condition on paths that both p and a match fit; false if no path does, or no condition says so.
func (p Path) and(uri *networking.StringMatch, fold bool) (*networking.StringMatch, bool) {
	prefix, exactly := uri.GetPrefix(), uri.GetExact()
	switch {
	case p == Path{}:
		return uri, true
	case p.Exact != "":
		return exact(p.Exact), fits(uri, p.Exact, fold)
	case exactly != "":
		return uri, strings.HasPrefix(exactly, p.Prefix) && strings.HasSuffix(exactly, p.Suffix)
	case uri.GetRegex() != "":
		return nil, false
	case p.Suffix != "":
		return &networking.StringMatch{MatchType: &networking.StringMatch_Regex{
			Regex: regexp.QuoteMeta(strings.TrimSuffix(prefix, "/")) + ".*" + regexp.QuoteMeta(p.Suffix),
		}}, true
	case strings.HasPrefix(p.Prefix, prefix):
		return &networking.StringMatch{MatchType: &networking.StringMatch_Prefix{Prefix: p.Prefix}}, true
	}
	return uri, strings.HasPrefix(prefix, p.Prefix)
}

func exact(value string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Exact{Exact: value}}
}

// fits reports whether a match fits a value. One without a condition fits all.
func fits(m *networking.StringMatch, value string, fold bool) bool {
	lower := func(s string) string { return s }
	if fold {
		lower = strings.ToLower
	}
	switch kind := m.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		return lower(kind.Exact) == lower(value)
	case *networking.StringMatch_Prefix:
		return strings.HasPrefix(lower(value), lower(kind.Prefix))
	case *networking.StringMatch_Regex:
		re, err := regexp.Compile("^(?:" + kind.Regex + ")$")
		return err == nil && re.MatchString(value)
	}
	return true
}
