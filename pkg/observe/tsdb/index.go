package tsdb

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// index finds series by label: name, value, the series that have it, oldest series first.
type index map[string]map[string][]*series

func (ix index) add(sr *series) {
	sr.labels.Range(func(l labels.Label) {
		values := ix[l.Name]
		if values == nil {
			values = map[string][]*series{}
			ix[l.Name] = values
		}
		values[l.Value] = append(values[l.Value], sr)
	})
}

func (ix index) remove(gone map[Ref]bool) {
	for name, values := range ix {
		for value, list := range values {
			list = slices.DeleteFunc(list, func(sr *series) bool { return gone[sr.ref] })
			if len(list) == 0 {
				delete(values, value)
			} else {
				values[value] = list
			}
		}
		if len(values) == 0 {
			delete(ix, name)
		}
	}
}

// find returns the series that all matchers match. The shortest list of a matcher is gone
// through, and the others decide on each of it: a shop has thousands of series, not millions.
func (db *DB) find(matchers []*labels.Matcher) []*series {
	var best []*series
	bestAt := -1
	for i, m := range matchers {
		if m.Matches("") {
			continue // it also matches series that do not have the label
		}
		list := db.index.list(m)
		if len(list) == 0 {
			return nil
		}
		if bestAt < 0 || len(list) < len(best) {
			best, bestAt = list, i
		}
	}
	if bestAt < 0 {
		for _, sr := range db.series {
			best = append(best, sr)
		}
	}
	var found []*series
	for _, sr := range best {
		if matchesAll(sr.labels, matchers, bestAt) {
			found = append(found, sr)
		}
	}
	return found
}

// list returns the series that have the label of m with a value that it matches.
func (ix index) list(m *labels.Matcher) []*series {
	values := ix[m.Name]
	if m.Type == labels.MatchEqual {
		return values[m.Value]
	}
	var list []*series
	if set := m.SetMatches(); m.Type == labels.MatchRegexp && len(set) > 0 {
		for _, v := range set {
			list = append(list, values[v]...)
		}
		return list
	}
	for v, some := range values {
		if m.Matches(v) {
			list = append(list, some...)
		}
	}
	return list
}

// matchesAll evaluates every matcher but the one at skip.
func matchesAll(ls labels.Labels, matchers []*labels.Matcher, skip int) bool {
	for i, m := range matchers {
		if i != skip && !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

// family returns the names under which the series of that name may be described.
func family(name string) []string {
	names := []string{name}
	for _, suffix := range []string{"_bucket", "_count", "_sum", "_total", "_created"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			names = append(names, base)
		}
	}
	return names
}
