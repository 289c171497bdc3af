package wait_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// changing answers each Get with the next of its answers, and with the last again and again.
type changing struct {
	clitest.FakeShop
	mu      sync.Mutex
	answers []*controlpb.Object // nil: not found
	asked   int
}

func (s *changing) Get(_ context.Context, req *controlpb.GetRequest) (*controlpb.GetResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.answers[min(s.asked, len(s.answers)-1)]
	s.asked++
	switch {
	case o != nil:
		return &controlpb.GetResponse{Objects: []*controlpb.Object{o}}, nil
	case len(req.GetNames()) == 0:
		return &controlpb.GetResponse{}, nil
	}
	return nil, control.Error(codes.NotFound, "deployment/web not found", "shopctl get deployments", cmdutil.ExitUsage)
}

// deployment is a Deployment of generation 2 whose status is of another.
func deployment(uid string, observed int, available string, ready int) *controlpb.Object {
	o := clitest.Deployment("web", 2, ready)
	var tree map[string]any
	if err := json.Unmarshal(o.GetJson(), &tree); err != nil {
		return nil
	}
	meta, _ := tree["metadata"].(map[string]any)
	meta["uid"], meta["generation"] = uid, 2
	tree["status"] = map[string]any{"observedGeneration": observed, "readyReplicas": ready, "conditions": []any{map[string]any{"type": "Available", "status": available}}}
	o.Json, _ = json.Marshal(tree)
	return o
}

func TestAWaitEndsWithItsCondition(t *testing.T) {
	before, old, after := deployment("u", 2, "False", 1), deployment("u", 1, "True", 1), deployment("u", 2, "True", 2)
	for line, answers := range map[string][]*controlpb.Object{
		"wait deploy/web --for condition=Available":                                               {before, before, old, after},
		"wait deploy/web --for=condition=available=TRUE":                                          {before, after},
		"wait deploy/web --for=jsonpath={.status.readyReplicas}=2":                                {before, after},
		"wait deploy/web --for=jsonpath='{.status.readyReplicas}'='2'":                            {before, after},
		"wait deploy web --for jsonpath={.status.readyReplicas}":                                  {after},
		`wait deploy web --for jsonpath={.status.conditions[?(@.type=="Available")].status}=True`: {before, after},
		"wait deploy -l app=web --for condition=Available":                                        {before, after},
		"wait deploy --all --for condition=Available":                                             {after},
		"wait deploy/web --for create":                                                            {nil, nil, after},
	} {
		shop := &changing{answers: answers}
		w := clitest.NewWorld(t).Serve(shop)
		line = strings.ReplaceAll(line, "'", "")
		w.Want(cmdutil.ExitOK, strings.Fields(line)...)
		clitest.WantEqual(t, w.Out.String(), "deployment.apps/web condition met\n")
		if shop.asked < len(answers) {
			t.Errorf("%s: ended after %d of %d answers", line, shop.asked, len(answers))
		}
	}
}

func TestAWaitForADeletionEndsWithTheObjectOrItsSuccessor(t *testing.T) {
	one, other := deployment("u", 2, "True", 2), deployment("v", 2, "True", 2)
	for name, c := range map[string]struct {
		answers []*controlpb.Object
		out     string
	}{
		"gone":       {[]*controlpb.Object{one, one, nil}, "deployment.apps/web condition met\n"},
		"made again": {[]*controlpb.Object{one, one, other}, "deployment.apps/web condition met\n"},
		"never was":  {[]*controlpb.Object{nil}, ""},
	} {
		w := clitest.NewWorld(t).Serve(&changing{answers: c.answers})
		w.Want(cmdutil.ExitOK, "wait", "deploy/web", "--for", "delete")
		if w.Out.String() != c.out {
			t.Errorf("%s: %q, want %q", name, w.Out.String(), c.out)
		}
	}
}

func TestAWaitThatFailsSaysWhatItWaitedFor(t *testing.T) {
	is := deployment("u", 2, "False", 1)
	for line, c := range map[string]struct {
		answers []*controlpb.Object
		code    int
		want    string
	}{
		"wait deploy/web --for condition=Available --timeout 10ms": {[]*controlpb.Object{is}, cmdutil.ExitInconclusive, "timed out waiting for the condition on deployments/web after 10ms\nshopctl: hint: shopctl get deployments/web -o yaml\n"},
		"wait deploy/web --for create --timeout 10ms":              {[]*controlpb.Object{nil}, cmdutil.ExitInconclusive, "timed out waiting for the condition on deployments/web"},
		"wait deploy/web --for condition=Available --timeout 0":    {[]*controlpb.Object{is}, cmdutil.ExitFailed, "condition not met for deployments/web"},
		"wait deploy/web --for condition=Available":                {[]*controlpb.Object{is, is, nil}, cmdutil.ExitUsage, "deployment/web not found"},
		"wait deploy -l app=web --for condition=Available":         {[]*controlpb.Object{nil}, cmdutil.ExitFailed, "no matching resources found"},
		"wait deploy/web --for jsonpath={.status}=x":               {[]*controlpb.Object{is}, cmdutil.ExitUsage, "an object or a list"},
		"wait deploy/web --for jsonpath={.spec.*}":                 {[]*controlpb.Object{is}, cmdutil.ExitUsage, "more than one value"},
		"wait deploy/web --for jsonpath={.spec}=":                  {[]*controlpb.Object{is}, cmdutil.ExitUsage, "want jsonpath="},
		"wait deploy/web --for jsonpath={.spec.a}=a=b":             {[]*controlpb.Object{is}, cmdutil.ExitUsage, "with one value"},
		"wait deploy/web --for available":                          {[]*controlpb.Object{is}, cmdutil.ExitUsage, "unrecognized condition"},
		"wait deploy/web":                                          {[]*controlpb.Object{is}, cmdutil.ExitUsage, "missing flag: --for"},
		"wait deploy --for create":                                 {[]*controlpb.Object{is}, cmdutil.ExitUsage, "missing argument: the name of a deployment, --all, or -l LABELS"},
		"wait deploy/web --all --for create":                       {[]*controlpb.Object{is}, cmdutil.ExitUsage, "cannot be combined"},
	} {
		w := clitest.NewWorld(t).Serve(&changing{answers: c.answers})
		w.Want(c.code, strings.Fields(line)...)
		w.WantErr(c.want)
	}
}
