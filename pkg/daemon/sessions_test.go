package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/eventually"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/pkg/workload"
)

// inSession connects to the daemon of open as a lesson by another author does.
func inSession(t *testing.T, vars map[string]string, user *control.Client) (c *control.Client, token string) {
	t.Helper()
	begun, err := user.BeginSession(t.Context(), &controlpb.BeginSessionRequest{Owner: "lesson sample@1"})
	if err != nil {
		t.Fatal(err)
	}
	d, err := rundir.Resolve("default", func(key string) string { return vars[key] })
	if err != nil {
		t.Fatal(err)
	}
	if c, err = control.DialSession(d, begun.GetToken()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, begun.GetToken()
}

// canaryPod is a Deployment with a pod whose fields may start a program.
const canaryPod = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: canary}, spec: {selector: {matchLabels: {app: canary}}, ` +
	`template: {metadata: {labels: {app: canary}}, spec: {%s}}}}`

func TestNoProgramRunsForALessonByAnotherAuthor(t *testing.T) {
	vars := home(t)
	canary := filepath.Join(t.TempDir(), "canary")
	command := fmt.Sprintf("[sh, -c, 'echo > %s; sleep 60']", canary)
	user := open(t, vars, func(cfg *Config) {
		cfg.Only = []string{"currency"}
		cfg.Images = func() workload.Images {
			return workload.Images{Commands: map[string][]string{"mapped": {"sh", "-c", "echo > " + canary + "; sleep 60"}}}
		}
	})
	lesson, _ := inSession(t, vars, user)
	apply := func(c *control.Client, pod string) error {
		_, err := c.Apply(t.Context(), &controlpb.ApplyRequest{Files: []*controlpb.File{{Name: "x.yaml", Content: fmt.Appendf(nil, canaryPod, pod)}}})
		return err
	}
	for name, pod := range map[string]string{
		"a command":                "containers: [{name: a, image: catalog, command: " + command + "}]",
		"an init container":        "initContainers: [{name: i, image: catalog, command: " + command + "}], containers: [{name: a, image: catalog}]",
		"an image that is mapped":  "containers: [{name: a, image: mapped}]",
		"a hook after the start":   "containers: [{name: a, image: catalog, lifecycle: {postStart: {exec: {command: " + command + "}}}}]",
		"a hook before the stop":   "containers: [{name: a, image: catalog, lifecycle: {preStop: {exec: {command: " + command + "}}}}]",
		"a startup probe":          "containers: [{name: a, image: catalog, startupProbe: {exec: {command: " + command + "}}}]",
		"a readiness probe":        "containers: [{name: a, image: catalog, readinessProbe: {exec: {command: " + command + "}}}]",
		"a liveness probe":         "containers: [{name: a, image: catalog, livenessProbe: {exec: {command: " + command + "}}}]",
		"a variable":               "containers: [{name: a, image: redis, env: [{name: REDIS_SERVER, value: " + os.Args[0] + "}]}]",
		"a second container":       "containers: [{name: a, image: catalog}, {name: b, image: mapped}]",
		"a variable of the loader": "containers: [{name: a, image: catalog, env: [{name: LD_PRELOAD, value: ./x.so}]}]",
	} {
		if err := apply(lesson, pod); status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := lesson.Edit(t.Context(), &controlpb.EditRequest{Services: []string{"redis-cart"}, Operation: &controlpb.EditRequest_SetEnv{
		SetEnv: &controlpb.SetEnv{Set: map[string]string{"REDIS_SERVER": os.Args[0]}},
	}})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("set env: %v", err)
	}
	if _, err := os.Stat(canary); err == nil {
		t.Fatal("a program has run")
	}
	if err := apply(user, "containers: [{name: a, image: mapped}]"); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "the same, applied by the user, has run", func() bool {
		_, err := os.Stat(canary)
		return err == nil
	})
}

func TestASessionDoesOnlyWhatALessonMay(t *testing.T) {
	vars := home(t)
	user := open(t, vars, only("currency"))
	await(t, user, "currency is ready", func(st *controlpb.StatusResponse) bool { return find(st, "currency").GetState() == "ok" })
	lesson, token := inSession(t, vars, user)
	inject := func(c *control.Client) string {
		resp, err := c.InjectFault(t.Context(), &controlpb.InjectFaultRequest{
			Fault: &controlpb.Fault{Service: "currency", Delay: durationpb.New(time.Millisecond), Owner: "cli"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetFault().GetId()
	}
	users, lessons := inject(user), inject(lesson)
	if resp, err := lesson.ClearFaults(t.Context(), &controlpb.ClearFaultsRequest{}); err != nil || len(resp.GetFaults()) != 1 || resp.GetFaults()[0].GetId() != lessons {
		t.Errorf("cleared %v, %v; want only %s", resp.GetFaults(), err, lessons)
	}
	if resp, err := user.ListFaults(t.Context(), &controlpb.ListFaultsRequest{}); err != nil || len(resp.GetFaults()) != 1 || resp.GetFaults()[0].GetId() != users {
		t.Errorf("faults %v, %v", resp.GetFaults(), err)
	}
	stream, err := lesson.Shutdown(t.Context(), &controlpb.ShutdownRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	_, begin := lesson.BeginSession(t.Context(), &controlpb.BeginSessionRequest{Owner: "x"})
	_, end := lesson.EndSession(t.Context(), &controlpb.EndSessionRequest{Token: token})
	_, elsewhere := lesson.Get(t.Context(), &controlpb.GetRequest{Kind: "secrets", Namespace: "*"})
	_, namespace := lesson.Delete(t.Context(), &controlpb.DeleteRequest{Kind: "namespace", Names: []string{"default"}})
	for what, err := range map[string]error{"shut down": err, "begin a session": begin, "end one": end, "read all namespaces": elsewhere} {
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v", what, err)
		}
	}
	if namespace == nil {
		t.Error("a namespace was deleted")
	}
	if _, err := lesson.Get(t.Context(), &controlpb.GetRequest{Kind: "deployments"}); err != nil {
		t.Errorf("read objects: %v", err)
	}
	if _, err := user.EndSession(t.Context(), &controlpb.EndSessionRequest{Token: token}); err != nil {
		t.Fatal(err)
	}
	if _, err := lesson.Get(t.Context(), &controlpb.GetRequest{Kind: "deployments"}); status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("after the session: %v", err)
	}
}

func TestTokensOfSessionsDiffer(t *testing.T) {
	vars := home(t)
	user := open(t, vars, only("currency"))
	var tokens []string
	for range 3 {
		_, token := inSession(t, vars, user)
		if len(token) < 20 || slices.Contains(tokens, token) {
			t.Errorf("token %q after %q", token, tokens)
		}
		tokens = append(tokens, token)
	}
}
