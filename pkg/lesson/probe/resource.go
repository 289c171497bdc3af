package probe

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/shellword"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Resource compares fields of an applied object.
type Resource struct {
	At        strictyaml.Position
	Kind      string `yaml:"kind" lesson:"required"`
	Name      string `yaml:"name" lesson:"required"`
	Namespace string `yaml:"namespace"`
	// Fields are paths from the object's top: spec.replicas.
	Fields []Field `yaml:"fields"`
	// Absent holds when there is no such object.
	Absent bool `yaml:"absent"`
}

// Validate implements Probe.
func (o *Resource) Validate(report Report) {
	if o.Kind == "" || o.Name == "" {
		report(o.At, "a resource check names kind and name")
	} else {
		report.kind(o.At, o.Kind)
	}
	if o.Absent && len(o.Fields) > 0 {
		report(o.At, "absent cannot be combined with fields")
	}
	report.fields(o.Fields)
}

// kind reports a kind of object that the shop does not know.
func (report Report) kind(at strictyaml.Position, kind string) {
	if _, err := resource.LookupKind(kind); err != nil {
		report(at, "%s", err)
	}
}

// ProbeKind implements Probe.
func (*Resource) ProbeKind() string { return "resource" }

// NamedServices implements Probe.
func (*Resource) NamedServices() []Named { return nil }

// Lookback implements Probe.
func (*Resource) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*Resource) Triggers() Event { return StateChanged }

// Command implements Probe.
func (o *Resource) Command() string {
	return shellword.Join("shopctl", "get", strings.ToLower(o.Kind), o.Name, "-o", "yaml")
}

// Evidence implements Probe.
func (o *Resource) Evidence() Evidence {
	return Evidence{Kind: ObjectEvidence, Object: o.Kind, Name: o.Name, Namespace: o.Namespace}
}

// Ask implements Probe. It compares fields of an object as the shop has it.
func (o *Resource) Ask(ctx context.Context, env Env, _ Baseline) Result {
	what := strings.ToLower(o.Kind) + "/" + o.Name
	r := Result{Verdict: Fail, Expected: what + ": " + wantedFields(o.Fields, "is there")}
	resp, err := env.Shop.Get(ctx, &controlpb.GetRequest{Kind: o.Kind, Names: []string{o.Name}, Namespace: o.Namespace})
	gone := status.Code(err) == codes.NotFound || err == nil && len(resp.GetObjects()) == 0
	switch {
	case o.Absent:
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
	ok, observed := compareFields(o.Fields, tree)
	r.Verdict, r.Observed = verdict(ok), what+": "+observed
	r.Evidence = Evidence{Kind: ObjectEvidence, Object: o.Kind, Name: o.Name, Namespace: o.Namespace, Field: decisive(o.Fields, tree)}
	return r
}

// decisive is the path of the first field that does not match, or else of the first; empty if there is none.
func decisive(fields []Field, tree any) string {
	for _, f := range fields {
		if v, _ := Find(tree, f.Path); !f.Match.Holds(v) {
			return f.Path
		}
	}
	if len(fields) == 0 {
		return ""
	}
	return fields[0].Path
}

// wantedFields describes the fields; without any, it is otherwise.
func wantedFields(fields []Field, otherwise string) string {
	if len(fields) == 0 {
		return otherwise
	}
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.Path + " " + f.Match.String()
	}
	return strings.Join(parts, ", ")
}

// compareFields reports whether all fields of a JSON tree match, and describes them.
func compareFields(fields []Field, tree any) (bool, string) {
	if len(fields) == 0 {
		return true, "is there"
	}
	ok := true
	parts := make([]string, len(fields))
	for i, f := range fields {
		v, _ := Find(tree, f.Path)
		ok = ok && f.Match.Holds(v)
		parts[i] = f.Path + " " + showField(f.Match, v)
	}
	return ok, strings.Join(parts, ", ")
}
