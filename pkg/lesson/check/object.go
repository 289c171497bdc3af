package check

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// resource compares fields of an object as the shop has it.
func (e Eye) resource(ctx context.Context, want *format.Resource) Result {
	what := strings.ToLower(want.Kind) + "/" + want.Name
	r := Result{Verdict: Fail, Expected: what + ": " + wantedFields(want.Fields, "is there")}
	resp, err := e.Shop.Get(ctx, &controlpb.GetRequest{Kind: want.Kind, Names: []string{want.Name}, Namespace: want.Namespace})
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
		r.Verdict, r.Observed = Inconclusive, "the object is no JSON: "+err.Error()
		return r
	}
	ok, observed := compareFields(want.Fields, tree)
	r.Verdict, r.Observed = verdict(ok), what+": "+observed
	r.Evidence = Evidence{Kind: ObjectEvidence, Object: want.Kind, Name: want.Name, Namespace: want.Namespace, Field: decisive(want.Fields, tree)}
	return r
}

// decisive is the path of the first field that is not as wanted, or else of the first; empty if there is none.
func decisive(fields []format.Field, tree any) string {
	for _, f := range fields {
		if v, _ := format.Find(tree, f.Path); !Matches(f.Match, v) {
			return f.Path
		}
	}
	if len(fields) == 0 {
		return ""
	}
	return fields[0].Path
}

// wantedFields says what fields must be; otherwise is said where none are named.
func wantedFields(fields []format.Field, otherwise string) string {
	if len(fields) == 0 {
		return otherwise
	}
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.Path + " " + Words(f.Match)
	}
	return strings.Join(parts, ", ")
}

// compareFields tells whether all fields of a JSON tree are as wanted, and what they are.
func compareFields(fields []format.Field, tree any) (bool, string) {
	if len(fields) == 0 {
		return true, "is there"
	}
	ok := true
	parts := make([]string, len(fields))
	for i, f := range fields {
		v, _ := format.Find(tree, f.Path)
		ok = ok && Matches(f.Match, v)
		parts[i] = f.Path + " " + showField(f.Match, v)
	}
	return ok, strings.Join(parts, ", ")
}
