package promapi

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

func (a *api) labels(r *http.Request) (any, error) {
	return a.words(r, func(q storage.Querier, ms []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelNames(r.Context(), nil, ms...)
	})
}

func (a *api) labelValues(r *http.Request) (any, error) {
	name := model.UnescapeName(r.PathValue("name"), model.ValueEncodingEscaping)
	if !model.UTF8Validation.IsValidLabelName(name) {
		return nil, badData(fmt.Sprintf("invalid label name: %q", clip(name)))
	}
	return a.words(r, func(q storage.Querier, ms []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelValues(r.Context(), name, nil, ms...)
	})
}

// words merges the results of find for all selectors, sorted and without duplicates.
func (a *api) words(r *http.Request, find func(storage.Querier, []*labels.Matcher) ([]string, annotations.Annotations, error)) (any, error) {
	s, err := a.scope(r)
	if err != nil {
		return nil, err
	}
	q, err := a.DB.Querier(s.from, s.to)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	if len(s.sets) == 0 {
		s.sets = [][]*labels.Matcher{nil}
	}
	seen := map[string]bool{}
	for _, set := range s.sets {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		words, _, err := find(q, set)
		if err != nil {
			return nil, err
		}
		for _, w := range words {
			seen[w] = true
		}
	}
	words := slices.AppendSeq([]string{}, maps.Keys(seen))
	slices.Sort(words)
	return limited(words, s.limit), nil
}

// limited cuts a list, with a warning.
func limited[T any](list []T, limit int) response {
	if limit > 0 && len(list) > limit {
		return response{Data: list[:limit], Warnings: []string{"results truncated due to limit"}}
	}
	return response{Data: list}
}

func (a *api) series(r *http.Request) (any, error) {
	if len(r.Form["match[]"]) == 0 {
		return nil, badData("no match[] parameter provided")
	}
	s, err := a.scope(r)
	if err != nil {
		// Only here does Prometheus name the parameter.
		if text := err.Error(); !strings.HasPrefix(text, "invalid parameter ") {
			err = badParam("match[]", text)
		}
		return nil, err
	}
	q, err := a.DB.Querier(s.from, s.to)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	found := []labels.Labels{}
	seen := map[string]bool{}
	size := uint64(0)
	for _, ms := range s.sets {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		for set := q.Select(r.Context(), true, nil, ms...); set.Next(); {
			ls := set.At().Labels()
			if key := ls.String(); !seen[key] {
				seen[key] = true
				found = append(found, ls)
				size += ls.ByteSize()
			}
		}
		if size > maxAnswer {
			return nil, errTooLarge
		}
	}
	slices.SortFunc(found, labels.Compare)
	return limited(found, s.limit), nil
}

type metadataView struct {
	Type string `json:"type"`
	Help string `json:"help"`
	Unit string `json:"unit"`
}

func (a *api) metadata(r *http.Request) (any, error) {
	limit, err := limitParam(r)
	if err != nil {
		return nil, err
	}
	if limit == 0 {
		limit = math.MaxInt
	}
	all := a.DB.Metadata()
	if only := r.FormValue("metric"); only != "" {
		one, ok := all[only]
		all = map[string]tsdb.Metadata{}
		if ok {
			all[only] = one
		}
	}
	out := map[string][]metadataView{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if len(out) >= limit {
			break
		}
		out[name] = []metadataView{{all[name].Type, all[name].Help, all[name].Unit}}
	}
	return out, nil
}
