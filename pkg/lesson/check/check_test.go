package check

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// fixed is a shop and its calls, always the same.
type fixed struct {
	probe.Shop
	services []*controlpb.Service
	reply    probe.Reply
	err      error
	asked    probe.Call
}

func (f *fixed) Status(context.Context, *controlpb.StatusRequest, ...grpc.CallOption) (*controlpb.StatusResponse, error) {
	return &controlpb.StatusResponse{Services: f.services}, nil
}

func (f *fixed) Logs(context.Context, *controlpb.LogsRequest, ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.LogLine], error) {
	return nil, errors.New("no logs")
}

func (f *fixed) Call(_ context.Context, c probe.Call) (probe.Reply, error) {
	f.asked = c
	return f.reply, f.err
}

func (f *fixed) look(t *testing.T, text string) probe.Result {
	t.Helper()
	var c format.Check
	if err := strictyaml.Decode(text, &c); err != nil {
		t.Fatal(err)
	}
	env := probe.Env{Shop: f, Caller: f, Workspace: "/w"}
	return Evaluate(t.Context(), env, &c, probe.Baseline{Restarts: map[string]int{"catalog": 2}})
}

const product = `{"name":"Mug","priceUsd":{"units":"8","nanos":990000000},"categories":["kitchen"]}`

func TestACallIsComparedWithWhatIsExpected(t *testing.T) {
	for name, c := range map[string]struct {
		expect   string
		reply    probe.Reply
		verdict  probe.Verdict
		observed string
	}{
		"code alone":          {`{code: NOT_FOUND}`, probe.Reply{Code: codes.NotFound, Message: "no product"}, probe.Pass, "NOT_FOUND: no product"},
		"another code":        {`{code: NOT_FOUND}`, probe.Reply{Response: json.RawMessage(`{}`)}, probe.Fail, "OK"},
		"a field in snake":    {`{fields: [{path: price_usd.nanos, equals: 990000000}]}`, probe.Reply{Response: json.RawMessage(product)}, probe.Pass, "OK, price_usd.nanos 990000000"},
		"an int64 as text":    {`{fields: [{path: priceUsd.units, at_least: 8, at_most: 8}]}`, probe.Reply{Response: json.RawMessage(product)}, probe.Pass, "OK, priceUsd.units 8"},
		"a count":             {`{fields: [{path: categories, count: 2}]}`, probe.Reply{Response: json.RawMessage(product)}, probe.Fail, "OK, categories has 1"},
		"an absent field":     {`{fields: [{path: picture, absent: true}]}`, probe.Reply{Response: json.RawMessage(product)}, probe.Pass, "OK, picture is absent"},
		"a missing field":     {`{fields: [{path: picture, contains: mug}]}`, probe.Reply{Response: json.RawMessage(product)}, probe.Fail, "OK, picture is absent"},
		"an element":          {`{fields: [{path: "categories[0]", matches: "^kit"}]}`, probe.Reply{Response: json.RawMessage(product)}, probe.Pass, "OK, categories[0] kitchen"},
		"in time":             {`{below: 500ms}`, probe.Reply{Took: 20 * time.Millisecond}, probe.Pass, "OK, in 20ms"},
		"at once":             {`{below: 500ms}`, probe.Reply{}, probe.Pass, "OK, in 0ms"},
		"too late":            {`{below: 500ms}`, probe.Reply{Took: 1234 * time.Millisecond}, probe.Fail, "OK, in 1.2s"},
		"too early":           {`{above: 1s}`, probe.Reply{Took: 20 * time.Millisecond}, probe.Fail, "OK, in 20ms"},
		"the message as well": {`{code: INTERNAL, message: {contains: disk}}`, probe.Reply{Code: codes.Internal, Message: "no memory"}, probe.Fail, "INTERNAL: no memory"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fixed{reply: c.reply}
			r := f.look(t, "id: x\nrpc: {service: catalog, method: GetProduct, proto: n.proto, request: {id: X}, expect: "+c.expect+"}")
			if r.Verdict != c.verdict || r.Observed != c.observed {
				t.Errorf("%s: observed %q, want %s: %q", r.Verdict, r.Observed, c.verdict, c.observed)
			}
			if f.asked.Proto != "/w/n.proto" || string(f.asked.Request) != `{"id":"X"}` || f.asked.Deadline != 5*time.Second {
				t.Errorf("asked %+v", f.asked)
			}
			if r.Look != `shopctl call catalog GetProduct --proto n.proto '{"id":"X"}'` {
				t.Errorf("look: %s", r.Look)
			}
		})
	}
}

func TestACallThatCannotBeMadeIsNotAResponseOfTheService(t *testing.T) {
	const check = "id: x\nrpc: {service: catalog, method: M, expect: {code: OK}}"
	f := &fixed{err: &probe.Refused{Text: `field "x" is not in M`}}
	if r := f.look(t, check); r.Verdict != probe.Fail || r.Observed != `not sent: field "x" is not in M` {
		t.Errorf("refused: %+v", r)
	}
	f.err = errors.New("no socket")
	if r := f.look(t, check); r.Verdict != probe.Inconclusive {
		t.Errorf("no socket: %+v", r)
	}
	f = &fixed{reply: probe.Reply{Code: codes.Unavailable, Message: "refused"}, services: []*controlpb.Service{{Name: "catalog", Ready: 0}}}
	if r := f.look(t, check); r.Verdict != probe.Inconclusive || !strings.Contains(r.Observed, "catalog is not running") {
		t.Errorf("nobody there: %+v", r)
	}
	f.services[0].Ready = 1
	if r := f.look(t, check); r.Verdict != probe.Fail {
		t.Errorf("a service that answers UNAVAILABLE: %+v", r)
	}
}

func TestAnInstanceIsComparedFieldByField(t *testing.T) {
	f := &fixed{services: []*controlpb.Service{{
		Name: "catalog", Workload: "productcatalogservice", State: "ok", Version: "v1", Replicas: 3, Ready: 2, Restarts: 3, Faults: []string{"+2s"},
	}}}
	for want, observed := range map[string]string{
		"service: catalog, state: ok":                           "pass catalog: state ok",
		"service: productcatalogservice, state: [ok, starting]": "pass productcatalogservice: state ok",
		"service: catalog, state: stopped":                      "fail catalog: state ok",
		"service: catalog, version: v2":                         "fail catalog: version v1",
		"service: catalog, replicas: 3, ready: 3":               "fail catalog: replicas 3, ready 2",
		"service: catalog, restarts: 1":                         "pass catalog: restarts 1",
		"service: catalog, faults: 0":                           "fail catalog: faults 1",
		"service: nobody, state: absent":                        "pass nobody: state absent",
		"service: nobody":                                       "fail nobody: state absent",
	} {
		r := f.look(t, "id: x\ninstance: {"+want+"}")
		if got := string(r.Verdict) + " " + r.Observed; got != observed {
			t.Errorf("{%s}: %s, want %s", want, got, observed)
		}
	}
}

func TestALogThatCannotBeReadIsInconclusive(t *testing.T) {
	if r := (&fixed{}).look(t, "id: x\nlog: {service: catalog, contains: x}"); r.Verdict != probe.Inconclusive {
		t.Errorf("%+v", r)
	}
}

func TestKnownStatesHaveAMessage(t *testing.T) {
	f := &fixed{reply: probe.Reply{Code: codes.NotFound, Message: "no ja"}, services: []*controlpb.Service{{Name: "catalog", State: "paused"}}}
	const check = "id: x\nrpc: {service: catalog, method: M, expect: {code: OK}}\n"
	if r := f.look(t, check+"hint_when: [{observed: {contains: xx}, say: a}, {observed: {contains: ja}, say: b}]"); r.Message != "b" || r.Verdict != probe.Fail {
		t.Errorf("a known observation: %+v", r)
	}
	if r := f.look(t, check+"hint_when: [{instance: {service: catalog, state: paused}, say: c}]"); r.Message != "c" {
		t.Errorf("a known state: %+v", r)
	}
	if r := f.look(t, check+"broken_setup: [{instance: {service: catalog, state: paused}, say: d}]"); r.Verdict != probe.BrokenSetup || r.Message != "d" {
		t.Errorf("a broken set-up: %+v", r)
	}
	if r := f.look(t, check+"broken_setup: [{observed: {contains: ja}, say: e}]"); r.Verdict != probe.BrokenSetup || r.Message != "e" {
		t.Errorf("a broken set-up by what was observed: %+v", r)
	}
}

func TestAGoalMustHoldAndRestsAtItsTimeout(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	g := NewGoal(&format.Check{For: 2 * time.Second, Timeout: 10 * time.Second})
	for i, step := range []struct {
		second  int
		verdict probe.Verdict
		passed  bool
		held    time.Duration
	}{
		{0, probe.Fail, false, 0},
		{1, probe.Pass, false, 0},
		{2, probe.Pass, false, time.Second},
		{3, probe.Fail, false, 0},
		{4, probe.Pass, false, 0},
		{6, probe.Pass, true, 2 * time.Second},
		{7, probe.Fail, true, 2 * time.Second},
	} {
		g.Apply(probe.Result{Verdict: step.verdict}, at(step.second))
		if g.Passed() != step.passed || g.Held(at(step.second)) != step.held {
			t.Errorf("look %d: passed %v, held %s", i, g.Passed(), g.Held(at(step.second)))
		}
	}
	g = NewGoal(&format.Check{Timeout: 10 * time.Second})
	g.Apply(probe.Result{Verdict: probe.Fail}, at(0))
	g.Apply(probe.Result{Verdict: probe.Fail}, at(10))
	if !g.TimedOut() {
		t.Error("does not rest after its timeout")
	}
	g.Restart()
	g.Apply(probe.Result{Verdict: probe.Pass}, at(100))
	if !g.Passed() || g.TimedOut() {
		t.Error("does not pass when it is asked again")
	}
}

func TestWhatMustHoldBesidesIsAskedWhenTheCheckItselfPasses(t *testing.T) {
	text := `{id: fast, title: t, rpc: {service: catalog, method: GetProduct}, also: [{instance: {service: catalog, faults: 0}, say: The fault is still there.}]}`
	shop := &fixed{reply: probe.Reply{Response: []byte(product)}, services: []*controlpb.Service{{Name: "catalog", State: "ok", Faults: []string{"delay 2s"}}}}
	if r := shop.look(t, text); r.Verdict != probe.Fail || r.Message != "The fault is still there." || !strings.Contains(r.Observed, "faults 1") {
		t.Errorf("with a fault: %+v", r)
	}
	shop.reply.Code = codes.NotFound
	if r := shop.look(t, text); r.Verdict != probe.Fail || r.Message != "" {
		t.Errorf("the check itself fails: %+v", r)
	}
	shop.reply.Code, shop.services[0].Faults = codes.OK, nil
	if r := shop.look(t, text); r.Verdict != probe.Pass {
		t.Errorf("without a fault: %+v", r)
	}
}
