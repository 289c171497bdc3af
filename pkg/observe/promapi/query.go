package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/shopctl/shopctl/pkg/observe/query"
)

// maxAnswer bounds the result of a query, in bytes of JSON.
const maxAnswer = 16 << 20

func (a *api) query(r *http.Request) (any, error) {
	limit, err := limitParam(r)
	if err != nil {
		return nil, err
	}
	at, err := timeParam(r, "time", a.Now())
	if err != nil {
		return nil, err
	}
	ctx, cancel, err := a.patience(r)
	if err != nil {
		return nil, err
	}
	defer cancel()
	var resp response
	err = a.Query.Instant(ctx, r.FormValue("query"), at, fill(&resp, limit))
	return resp, ofQuery(err)
}

func (a *api) queryRange(r *http.Request) (any, error) {
	limit, err := limitParam(r)
	if err != nil {
		return nil, err
	}
	start, err := timeParam(r, "start", time.Time{})
	if err != nil {
		return nil, err
	}
	end, err := timeParam(r, "end", time.Time{})
	if err != nil {
		return nil, err
	}
	if end.Before(start) {
		return nil, badParam("end", "end timestamp must not be before start time")
	}
	step, err := durationParam(r, "step")
	switch {
	case err != nil:
		return nil, err
	case step <= 0:
		return nil, badParam("step", "zero or negative query resolution step widths are not accepted. Try a positive integer")
	case end.Sub(start)/step > query.MaxPoints:
		return nil, badData("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
	}
	ctx, cancel, err := a.patience(r)
	if err != nil {
		return nil, err
	}
	defer cancel()
	var resp response
	err = a.Query.Range(ctx, r.FormValue("query"), start, end, step, fill(&resp, limit))
	return resp, ofQuery(err)
}

// patience is the context of the request, with the timeout that it asks for.
func (a *api) patience(r *http.Request) (context.Context, context.CancelFunc, error) {
	if r.FormValue("timeout") == "" {
		return r.Context(), func() {}, nil
	}
	timeout, err := durationParam(r, "timeout")
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	return ctx, cancel, nil
}

// ofQuery names the parameter that an error is about, as Prometheus does.
func ofQuery(err error) error {
	var wrong *query.Error
	if errors.As(err, &wrong) && wrong.Kind == query.Invalid {
		return badParam("query", wrong.Text)
	}
	return err
}

// exemplars are not kept.
func (a *api) exemplars(*http.Request) (any, error) { return []any{}, nil }

type queryData struct {
	ResultType string          `json:"resultType"`
	Result     json.RawMessage `json:"result"`
}

// fill encodes a result while it is valid: the first series only, if there is a limit.
func fill(resp *response, limit int) func(query.Result) error {
	return func(a query.Result) error {
		resp.Warnings, resp.Infos = a.Warnings, a.Infos
		if value, cut := truncated(a.Value, limit); cut {
			a.Value = value
			resp.Warnings = append(resp.Warnings, "results truncated due to limit")
		}
		body, err := encode(nil, a)
		resp.Data = queryData{string(a.Value.Type()), body}
		return err
	}
}

// truncated is the value with at most limit series; 0: all.
func truncated(v parser.Value, limit int) (_ parser.Value, cut bool) {
	switch v := v.(type) {
	case promql.Vector:
		if limit > 0 && len(v) > limit {
			return v[:limit], true
		}
	case promql.Matrix:
		if limit > 0 && len(v) > limit {
			return v[:limit], true
		}
	}
	return v, false
}

// encode writes a value as Prometheus does: values are strings, as JSON knows neither NaN nor infinity.
func encode(b []byte, a query.Result) ([]byte, error) {
	switch v := a.Value.(type) {
	case promql.Scalar:
		return appendPoint(b, v.T, v.V), nil
	case promql.String:
		b = append(b, '[')
		b = appendTime(b, v.T)
		b = append(b, ',')
		text, _ := json.Marshal(v.V) // a string cannot fail
		return append(append(b, text...), ']'), nil
	case promql.Vector:
		b = append(b, '[')
		for i, s := range v {
			b = appendMetric(b, i, s.Metric)
			b = append(b, `,"value":`...)
			b = append(appendPoint(b, s.T, s.F), '}')
			if len(b) > maxAnswer {
				return nil, errTooLarge
			}
		}
		return append(b, ']'), nil
	case promql.Matrix:
		b = append(b, '[')
		for i, s := range v {
			b = appendSeries(b, i, s)
			if len(b) > maxAnswer {
				return nil, errTooLarge
			}
		}
		return append(b, ']'), nil
	}
	return append(b, "[]"...), nil
}

var errTooLarge = &query.Error{Kind: query.TooLarge, Text: fmt.Sprintf("the result is larger than %d MB; aggregate, or query fewer series or a shorter range", maxAnswer>>20)}

func appendSeries(b []byte, i int, s promql.Series) []byte {
	b = appendMetric(b, i, s.Metric)
	b = append(b, `,"values":[`...)
	for j, p := range s.Floats {
		if j > 0 {
			b = append(b, ',')
		}
		b = appendPoint(b, p.T, p.F)
	}
	return append(b, "]}"...)
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
