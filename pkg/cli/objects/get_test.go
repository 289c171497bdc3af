package objects_test

import (
	"context"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/eventually"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func shopOfObjects() *clitest.FakeShop {
	return &clitest.FakeShop{Current: clitest.ThreeServices(), Objects: clitest.SomeObjects(), Recent: clitest.SomeEvents()}
}

func TestGetPrintsWhatTheFlagsOfKubectlAskFor(t *testing.T) {
	w := clitest.NewWorld(t).Serve(shopOfObjects())
	for line, want := range map[string]string{
		"get pods":                                                     "NAME                    READY   STATUS    RESTARTS   AGE\ncartservice-5d4f-x2k4q   1/1     Running   0          3m\n",
		"get po -o wide --no-headers":                                  "cartservice-5d4f-x2k4q   1/1   Running   0   3m   127.0.0.1   localhost\n",
		"get pods -l app=cartservice -oname":                           "pod/cartservice-5d4f-x2k4q\n",
		"get pods -l app!=cartservice":                                 "",
		"get deploy -o jsonpath={.items[*].metadata.name}":             "cartservice",
		"get deploy cartservice -o jsonpath={.spec.replicas}":          "2",
		"get deploy -o custom-columns=N:.metadata.name,R:.spec.nosuch": "N             R\ncartservice   <none>\n",
		"get cm -o custom-columns=:.metadata.name":                     "",
		"get deploy --no-headers -L version --show-labels":             "cartservice   1/2   2   1   95m   shopctl/cartservice:v1      app=cartservice\n",
		"get cm,secret --sort-by .metadata.name -o name":               "configmap/colors\nsecret/key\n",
		"get deploy,svc cartservice -o name":                           "deployment.apps/cartservice\nservice/cartservice\n",
		"get deployment/cartservice cm/colors -o name":                 "deployment.apps/cartservice\nconfigmap/colors\n",
		"get deploy nosuch --ignore-not-found":                         "",
		"get deploy nosuch --ignore-not-found -o json":                 "",
		"get pods --field-selector status.phase=Running -o name":       "pod/cartservice-5d4f-x2k4q\n",
		"get pods --field-selector status.phase!=Running -o name":      "",
	} {
		w.Out.Reset()
		w.Err.Reset()
		cli.Execute(t.Context(), w.F, strings.Fields(line))
		if got := w.Out.String(); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s printed\n%swant\n%s%s", line, got, want, w.Err.String())
		}
	}
}

func TestWhatGetCannotReadIsAUsageError(t *testing.T) {
	w := clitest.NewWorld(t).Serve(shopOfObjects())
	for line, want := range map[string]string{
		"get pods -o go-template={{.}}":     "use jsonpath",
		"get pods -o jsonpath={.a":          "a { has no }",
		"get pods -o custom-columns=NAME":   "want HEADER:PATH",
		"get pods -o xml":                   "must be one of table, wide, json, yaml, name, jsonpath=, custom-columns=",
		"get pods --sort-by {.a":            "read --sort-by",
		"get pods --field-selector x":       "want FIELD=VALUE",
		"get pods -l a,,b=":                 "selector",
		"get deploy/cartservice x":          "want KIND/NAME like those before it",
		"get deploy cart -A":                "a name and --all-namespaces cannot be combined",
		"get nosuch,deploy":                 `kind "nosuch" is not supported`,
		"delete pod cartservice-5d4f-x2k4q": "pods are made from Deployments",
	} {
		w.Want(cmdutil.ExitUsage, strings.Fields(line)...)
		w.WantErr(want)
	}
	w.Want(cmdutil.ExitFailed, "get", "pod", "cartservice-5d4f-x2k4w")
	w.WantErr(`pod/cartservice-5d4f-x2k4w not found; did you mean "cartservice-5d4f-x2k4q"?`)
}

func TestAPodIsDescribed(t *testing.T) {
	w := clitest.NewWorld(t).Serve(shopOfObjects())
	w.Want(cmdutil.ExitOK, "describe", "pod", "cartservice-5d4f-x2k4q")
	w.WantOut("Node:            localhost/127.0.0.1", "Controlled by:   Deployment/cartservice", "Container ID: process://4712", "Ready             True", "BackOff")
}

func TestWatchPrintsWhatChangesAndWhatIsGone(t *testing.T) {
	shop := &changing{FakeShop: *shopOfObjects(), answers: make(chan []*controlpb.Object)}
	w := clitest.NewWorld(t).Serve(shop)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() { done <- cli.Execute(ctx, w.F, []string{"get", "deploy", "-w", "--no-headers"}) }()
	shop.answers <- []*controlpb.Object{clitest.Deployment("one", 2, 1)}
	shop.answers <- []*controlpb.Object{clitest.Deployment("one", 2, 1)}
	shop.answers <- []*controlpb.Object{clitest.Deployment("one", 2, 2), clitest.Deployment("another", 1, 1)}
	shop.answers <- []*controlpb.Object{clitest.Deployment("another", 1, 1)}
	shop.answers <- nil
	shop.answers <- nil // by now the one before is printed
	cancel()
	eventually.True(t, "get ends with its context", func() bool { return len(done) > 0 })
	var rows []string
	for line := range strings.Lines(w.Out.String()) {
		fields := strings.Fields(line)
		rows = append(rows, fields[0]+" "+fields[1])
	}
	clitest.WantEqual(t, strings.Join(rows, "\n"), "one 1/2\none 2/2\nanother 1/1\none 2/2\nanother 1/1")
}

// changing answers Get with what is sent to it.
type changing struct {
	clitest.FakeShop
	answers chan []*controlpb.Object
}

func (s *changing) Get(ctx context.Context, _ *controlpb.GetRequest) (*controlpb.GetResponse, error) {
	select {
	case objects := <-s.answers:
		return &controlpb.GetResponse{Objects: objects}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
