package check

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// resourceAsker evaluates probe.Resource.
type resourceAsker struct{ *probe.Resource }

func (a resourceAsker) command() string {
	return "shopctl get " + strings.ToLower(a.Kind) + " " + a.Name + " -o yaml"
}

func (a resourceAsker) evidence() Evidence {
	return Evidence{Kind: ObjectEvidence, Object: a.Kind, Name: a.Name, Namespace: a.Namespace}
}

// evaluate compares fields of an object as the shop has it.
func (a resourceAsker) evaluate(ctx context.Context, p Prober, _ Baseline) Result {
	want := a.Resource
	what := strings.ToLower(want.Kind) + "/" + want.Name
	r := Result{Verdict: Fail, Expected: what + ": " + wantedFields(want.Fields, "is there")}
	resp, err := p.Shop.Get(ctx, &controlpb.GetRequest{Kind: want.Kind, Names: []string{want.Name}, Namespace: want.Namespace})
	gone := status.Code(err) == codes.NotFound || err == nil && len(resp.GetObjects()) == 0
	switch {
	case want.Absent:
		r.Expected = what + ": does not exist"
		if !gone && err != nil {
			r.Verdict, r.Observed = Inconclusive, status.Convert(err).Message()
			return r
		}
		r.Verdict, r.Observed = verdict(gone), what+": "+map[bool]string{true: "does not exist", false: "is there"}[gone]
		return r
	case gone:
		r.Observed = what + ": does not exist"
		return r
	case err != nil:
		r.Verdict, r.Observed = Inconclusive, status.Convert(err).Message()
		return r
	}
	tree, err := decode(resp.GetObjects()[0].GetJson())
	if err != nil {
		r.Verdict, r.Observed = Inconclusive, "the object is not JSON: "+err.Error()
		return r
	}
	ok, observed := compareFields(want.Fields, tree)
	r.Verdict, r.Observed = verdict(ok), what+": "+observed
	r.Evidence = Evidence{Kind: ObjectEvidence, Object: want.Kind, Name: want.Name, Namespace: want.Namespace, Field: decisive(want.Fields, tree)}
	return r
}

// decisive is the path of the first field that does not match, or else of the first; empty if there is none.
func decisive(fields []probe.Field, tree any) string {
	for _, f := range fields {
		if v, _ := probe.Find(tree, f.Path); !matches(f.Match, v) {
			return f.Path
		}
	}
	if len(fields) == 0 {
		return ""
	}
	return fields[0].Path
}

// wantedFields describes the fields; without any, it is otherwise.
func wantedFields(fields []probe.Field, otherwise string) string {
	if len(fields) == 0 {
		return otherwise
	}
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.Path + " " + words(f.Match)
	}
	return strings.Join(parts, ", ")
}

// compareFields reports whether all fields of a JSON tree match, and describes them.
func compareFields(fields []probe.Field, tree any) (bool, string) {
	if len(fields) == 0 {
		return true, "is there"
	}
	ok := true
	parts := make([]string, len(fields))
	for i, f := range fields {
		v, _ := probe.Find(tree, f.Path)
		ok = ok && matches(f.Match, v)
		parts[i] = f.Path + " " + showField(f.Match, v)
	}
	return ok, strings.Join(parts, ", ")
}
