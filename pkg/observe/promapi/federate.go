package promapi

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/shopctl/shopctl/pkg/observe/query"
)

// federated is the newest sample of a series.
type federated struct {
	labels labels.Labels
	at     int64
	value  float64
}

// federate writes the newest sample of every series that match[] selects, for another Prometheus to scrape.
func (a *api) federate(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "error parsing form values: "+err.Error(), http.StatusBadRequest)
		return
	}
	sets, err := a.Query.Selectors(r.Form["match[]"])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := a.Now()
	q, err := a.DB.Querier(now.Add(-query.Lookback).UnixMilli(), now.UnixMilli())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer q.Close()
	byName := map[string][]federated{}
	seen := map[string]bool{}
	var it chunkenc.Iterator
	for _, ms := range sets {
		if err := r.Context().Err(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		for set := q.Select(r.Context(), true, nil, ms...); set.Next(); {
			s := set.At()
			it = s.Iterator(it)
			f, ok := newest(s, it)
			if key := f.labels.String(); ok && !seen[key] {
				seen[key] = true
				name := f.labels.Get(model.MetricNameLabel)
				byName[name] = append(byName[name], f)
			}
		}
	}
	w.Header().Set("Content-Type", string(expfmt.NewFormat(expfmt.TypeTextPlain)))
	out := bufio.NewWriter(w)
	for _, name := range names(byName) {
		if !model.LegacyValidation.IsValidMetricName(name) {
			continue // the plain format has no way to write it
		}
		_, _ = out.WriteString("# TYPE " + name + " untyped\n")
		for _, f := range byName[name] {
			_, _ = out.WriteString(f.text(name))
		}
	}
	_ = out.Flush()
}

// newest is the last sample of a series; false if there is none, or the series has ended.
func newest(s storage.Series, it chunkenc.Iterator) (federated, bool) {
	f := federated{labels: s.Labels(), value: 0}
	found := false
	for it.Next() != chunkenc.ValNone {
		f.at, f.value = it.At()
		found = true
	}
	return f, found && !value.IsStaleNaN(f.value)
}

// text is one line of the exposition. A series without instance gets an empty one, or its scraper
// would put this server's there.
func (f federated) text(name string) string {
	var b strings.Builder
	b.WriteString(name)
	separator := byte('{')
	pair := func(n, v string) {
		b.WriteByte(separator)
		b.WriteString(n)
		b.WriteString(`="`)
		b.WriteString(strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(v))
		b.WriteByte('"')
		separator = ','
	}
	f.labels.Range(func(l labels.Label) {
		if l.Name != model.MetricNameLabel && model.LegacyValidation.IsValidLabelName(l.Name) {
			pair(l.Name, l.Value)
		}
	})
	if !f.labels.Has(model.InstanceLabel) {
		pair(model.InstanceLabel, "")
	}
	b.WriteString("} " + strconv.FormatFloat(f.value, 'g', -1, 64) + " " + strconv.FormatInt(f.at, 10) + "\n")
	return b.String()
}
