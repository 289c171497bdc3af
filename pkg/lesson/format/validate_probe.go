package format

import (
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Bounds that keep one look at the system short.
const (
	longestCall = 30 * time.Second
	longestTest = 5 * time.Minute
)

// at reports a problem at the place of what is written.
func (r *reporter) at(code string, at strictyaml.Position, format string, args ...any) {
	r.add(code, at.Line, at.Column, format, args...)
}

func (r *reporter) probe(p Probe) {
	switch {
	case p.RPC != nil:
		r.rpc(p.RPC)
	case p.Instance != nil && p.Instance.Service == "":
		r.at("instance", p.Instance.At, "an instance check names a service")
	case p.Log != nil && (p.Log.Service == "" || len(p.Log.Contains) == 0 && p.Log.Matches.Regexp == nil):
		r.at("log", p.Log.At, "a log check names a service, and contains or matches")
	case p.PromQL != nil:
		r.promql(p.PromQL)
	case p.Trace != nil:
		r.trace(p.Trace)
	case p.Edge != nil:
		r.edge(p.Edge)
	case p.Alert != nil:
		r.alert(p.Alert)
	case p.Resource != nil:
		r.resource(p.Resource)
	case p.Order != nil:
		r.order(p.Order)
	case p.Manifest != nil:
		r.manifest(p.Manifest)
	case p.GoTest != nil:
		r.gotest(p.GoTest)
	}
}

func (r *reporter) rpc(rpc *RPC) {
	if rpc.Service == "" || rpc.Method == "" {
		r.at("rpc", rpc.At, "an rpc names a service and a method")
	}
	if rpc.Deadline > longestCall {
		r.at("rpc", rpc.At, "a deadline of %s is too long for a check, want at most %s", rpc.Deadline, longestCall)
	}
	r.fields("rpc", rpc.Expect.Fields)
}

func (r *reporter) fields(code string, fields []Field) {
	for _, f := range fields {
		if f.Empty() {
			r.at(code, f.At, "field %q is compared with nothing", f.Path)
		}
		if _, err := parsePath(f.Path); err != nil {
			r.at(code, f.At, "%s", err)
		}
	}
}

func (r *reporter) promql(q *PromQL) {
	if q.Expr == "" {
		r.at("promql", q.At, "a promql check has an expr")
	} else {
		r.expr(q.At, reach(q.Expr, time.Minute))
	}
	if q.Empty() {
		r.at("promql", q.At, "expr is compared with nothing: above, below, at_least, at_most or equals")
	}
	if e := q.Enough; e != nil && (e.Expr == "" || e.AtLeast <= 0) {
		r.at("promql", e.At, "enough has an expr and at_least")
	} else if e != nil {
		r.expr(e.At, e.Expr)
	}
}

// expr wants an expression to be PromQL.
func (r *reporter) expr(at strictyaml.Position, text string) {
	_, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err == nil {
		return
	}
	var wrong parser.ParseErrors
	if errors.As(err, &wrong) && len(wrong) > 0 {
		r.at("promql", at, "expr, character %d: %s", wrong[0].PositionRange.Start+1, wrong[0].Err)
		return
	}
	r.at("promql", at, "expr: %s", err)
}

func (r *reporter) trace(t *Trace) {
	if t.Service == "" && t.Operation == "" && len(t.Spans) == 0 && len(t.Services) == 0 {
		r.at("trace", t.At, "a trace check says which traces: service, operation, services or spans")
	}
	if t.Below > 0 && t.Below <= t.Above {
		r.at("trace", t.At, "nothing takes more than %s and less than %s", t.Above, t.Below)
	}
	for _, s := range t.Spans {
		if s.Service == "" && s.Name == "" {
			r.at("trace", s.At, "a span has a service or a name")
		}
		if s.Kind != "" && !slices.Contains(SpanKinds(), s.Kind) {
			r.at("trace", s.At, "unknown kind %q%s", s.Kind, strictyaml.DidYouMean(s.Kind, SpanKinds()))
		}
		if p := s.Parent; p != nil && p.Service == "" && p.Name == "" {
			r.at("trace", p.At, "a parent has a service or a name")
		}
		for _, a := range s.Attributes {
			if a.Key == "" || a.Empty() {
				r.at("trace", a.At, "an attribute has a key and what it is compared with")
			}
		}
		r.bounds("trace", s.Count)
	}
}

// bounds wants the bounds that are there to ask for something.
func (r *reporter) bounds(code string, bounds ...*Bound) {
	for _, b := range bounds {
		if b != nil && b.Empty() {
			r.at(code, b.At, "a bound is a number, or has above, below, at_least, at_most or equals")
		}
	}
}

func (r *reporter) edge(e *Edge) {
	if e.Caller == "" || e.Callee == "" {
		r.at("edge", e.At, "an edge names caller and callee")
	}
	asks := e.Rate != nil || e.Errors != nil || e.P50 != nil || e.P95 != nil || e.P99 != nil || e.Failure != ""
	if asks == e.Absent {
		r.at("edge", e.At, "an edge has rate, errors, p50, p95, p99 or failure; or absent alone")
	}
	r.bounds("edge", e.Rate, e.Errors)
}

func (r *reporter) alert(a *Alert) {
	if a.Name == "" {
		r.at("alert", a.At, "an alert check has the name of a rule")
	}
	if !slices.Contains(AlertStates(), a.State) {
		r.at("alert", a.At, "unknown state %q%s", a.State, strictyaml.DidYouMean(a.State, AlertStates()))
	}
	if a.AtLeast != 0 && (a.AtLeast < 0 || a.State != "fired" && a.State != "resolved") {
		r.at("alert", a.At, "at_least counts how often the alert fired or was resolved, and does not go with %q", a.State)
	}
}

func (r *reporter) resource(o *Resource) {
	if o.Kind == "" || o.Name == "" {
		r.at("resource", o.At, "a resource check names kind and name")
	} else {
		r.kind("resource", o.At, o.Kind)
	}
	if o.Absent && len(o.Fields) > 0 {
		r.at("resource", o.At, "what is absent has no fields")
	}
	r.fields("resource", o.Fields)
}

// kind wants a kind of object to be one that the shop knows.
func (r *reporter) kind(code string, at strictyaml.Position, kind string) {
	if _, err := resource.LookupKind(kind); err != nil {
		r.at(code, at, "%s", err)
	}
}

func (r *reporter) order(o *Order) { r.bounds("order", o.Charges, o.Orders, o.Refunds, o.Lost) }

func (r *reporter) manifest(m *Manifest) {
	if !filepath.IsLocal(m.File) {
		r.at("manifest", m.At, "a manifest check names a file of the workspace, got %q", m.File)
	}
	for _, o := range m.Objects {
		if o.Kind == "" {
			r.at("manifest", o.At, "an object has a kind")
		} else {
			r.kind("manifest", o.At, o.Kind)
		}
		r.fields("manifest", o.Fields)
	}
}

func (r *reporter) gotest(g *GoTest) {
	if g.Dir != "" && !filepath.IsLocal(g.Dir) {
		r.at("gotest", g.At, "dir is a directory of the workspace, got %q", g.Dir)
	}
	if g.Limit > longestTest {
		r.at("gotest", g.At, "a limit of %s is too long for a check, want at most %s", g.Limit, longestTest)
	}
	if g.Says != "" && !g.Fails {
		r.at("gotest", g.At, "says is for tests that fail: add fails: true")
	}
}
