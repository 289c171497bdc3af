package promapi

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/shopctl/shopctl/pkg/observe/query"
)

func (a *api) query(r *http.Request) (any, error) {
	at, err := timeParam(r, "time", a.Now())
	if err != nil {
		return nil, err
	}
	var resp response
	err = a.Query.Instant(r.Context(), r.FormValue("query"), at, fill(&resp))
	return resp, err
}

func (a *api) queryRange(r *http.Request) (any, error) {
	start, err := timeParam(r, "start", a.Now())
	if err != nil {
		return nil, err
	}
	end, err := timeParam(r, "end", a.Now())
	if err != nil {
		return nil, err
	}
	step, err := durationParam(r, "step")
	if err != nil {
		return nil, err
	}
	var resp response
	err = a.Query.Range(r.Context(), r.FormValue("query"), start, end, step, fill(&resp))
	return resp, err
}

// exemplars are not kept.
func (a *api) exemplars(*http.Request) (any, error) { return []any{}, nil }

type queryData struct {
	ResultType string          `json:"resultType"`
	Result     json.RawMessage `json:"result"`
}

// fill encodes a result while it is valid.
func fill(resp *response) func(query.Result) error {
	return func(a query.Result) error {
		resp.Warnings, resp.Infos = a.Warnings, a.Infos
		resp.Data = queryData{string(a.Value.Type()), encode(nil, a)}
		return nil
	}
}

// encode writes a value as Prometheus does: values are strings, as JSON knows neither NaN nor infinity.
func encode(b []byte, a query.Result) []byte {
	switch v := a.Value.(type) {
	case promql.Scalar:
		return appendPoint(b, v.T, v.V)
	case promql.String:
		b = append(b, '[')
		b = appendTime(b, v.T)
		b = append(b, ',')
		text, _ := json.Marshal(v.V) // a string cannot fail
		return append(append(b, text...), ']')
	case promql.Vector:
		b = append(b, '[')
		for i, s := range v {
			b = appendMetric(b, i, s.Metric)
			b = append(b, `,"value":`...)
			b = append(appendPoint(b, s.T, s.F), '}')
		}
		return append(b, ']')
	case promql.Matrix:
		b = append(b, '[')
		for i, s := range v {
			b = appendMetric(b, i, s.Metric)
			b = append(b, `,"values":[`...)
			for j, p := range s.Floats {
				if j > 0 {
					b = append(b, ',')
				}
				b = appendPoint(b, p.T, p.F)
			}
			b = append(b, "]}"...)
		}
		return append(b, ']')
	}
	return append(b, "[]"...)
}

func appendMetric(b []byte, i int, ls labels.Labels) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	metric, _ := json.Marshal(ls) // a map of strings cannot fail
	return append(append(b, `{"metric":`...), metric...)
}

func appendPoint(b []byte, t int64, v float64) []byte {
	b = append(b, '[')
	b = appendTime(b, t)
	b = append(b, `,"`...)
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	b = strconv.AppendFloat(b, v, format, -1, 64)
	return append(b, `"]`...)
}

// appendTime writes milliseconds as seconds.
func appendTime(b []byte, t int64) []byte {
	return strconv.AppendFloat(b, float64(t)/1000, 'f', -1, 64)
}
