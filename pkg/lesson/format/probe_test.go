package format

import (
	"errors"
	"strings"
	"testing"
)

// withProbe is the sample with another check in its second step, and the line of that check's kind.
func withProbe(t *testing.T, probe string) (text string, line int) {
	t.Helper()
	const old = `  log: {service: catalog, contains: NotFound, matches: "^no"}`
	text = sample(t)
	line = lineOf(t, text, old)
	return strings.Replace(text, old, "  "+probe, 1), line
}

func TestEveryKindOfCheckIsRead(t *testing.T) {
	for _, probe := range []string{
		"promql: {expr: 'sum(rate(x[30s]))', below: 1.3, unit: attempts per order, enough: {expr: 'sum(y)', at_least: 20}}",
		"trace: {service: checkout, operation: PlaceOrder, above: 1s, services: [payment], spans: [{name: Charge, count: {at_least: 3}, parent: {service: checkout}, attributes: [{key: a, equals: b}]}]}",
		"edge: {caller: checkout, callee: payment, rate: {above: 1}, errors: 0, p95: {below: 500ms}, requests: 20}",
		"edge: {caller: checkout, callee: payment, security: mutual_tls}",
		"edge: {caller: frontend, callee: catalog, version: v2, share: {above: 0.05, below: 0.2}, errors: 0, requests: 20}",
		"mesh: {service: checkout, state: [synced, stale], ready: 1, restarts: {at_least: 1}}",
		"mesh: {service: checkout, destination: payment, subset: v1, endpoints: 2, ejected: 1, route: {contains: v1}, cluster: {matches: 'ejects after'}}",
		"tls: {service: payment, mode: STRICT, plaintext: refused, identity: 'spiffe://cluster.local/ns/a/sa/b'}",
		"tls: {service: payment, caller: checkout, identity: 'spiffe://cluster.local/ns/a/sa/b'}",
		"alert: {name: Slow, state: resolved, labels: {service: payment}}",
		"alert: {name: Slow, state: fired, at_least: 3}",
		"promql: {expr: 'max_over_time((up > 0)[$since:1s])', above: 0}",
		"resource: {kind: Deployment, name: catalog, fields: [{path: 'spec.template.spec.containers[name=server].image', contains: v2}]}",
		"order: {charges: {at_least: 5}, lost: 0, window: 1m}",
		"manifest: {file: catalog.yaml, objects: [{kind: Service, name: catalog}]}",
		"gotest: {dir: catalog, run: TestPrice, fails: true, says: want}",
	} {
		text, _ := withProbe(t, probe)
		l, err := Parse("l.md", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", probe, err)
			continue
		}
		kind, _, _ := strings.Cut(probe, ":")
		if got := l.Steps[1].Checks()[0].Kind(); got != kind {
			t.Errorf("kind %q, want %q", got, kind)
		}
	}
}

func TestMistakesInChecksAreReportedAtTheirPlace(t *testing.T) {
	for probe, want := range map[string]string{
		"promqll: {expr: x}":                                                     `unknown key "promqll"; did you mean "promql"?`,
		"promql: {expr: x}":                                                      "expr has no bound: add above, below",
		"promql: {expr: x, blow: 3}":                                             `unknown key "blow"; did you mean "below"?`,
		"promql: {expr: x, below: many}":                                         `want a number, got "many"`,
		"promql: {expr: 'sum(x', below: 1}":                                      "expr, character 6: unclosed left parenthesis",
		"promql: {below: 1}":                                                     "a promql check has an expr",
		"promql: {expr: x, below: 1, enough: {expr: y}}":                         "enough has an expr and at_least",
		"trace: {at_least: 2}":                                                   "a trace check has a service, an operation, services or spans",
		"trace: {service: a, above: 2s, below: 1s}":                              "no duration is above 2s and below 1s",
		"trace: {spans: [{name: x, kind: servre}]}":                              `unknown kind "servre"; did you mean "server"?`,
		"trace: {spans: [{name: x, count: {}}]}":                                 "a bound is a number, or has above",
		"trace: {spans: [{name: x, attributes: [{key: y}]}]}":                    "an attribute has a key and a condition",
		"edge: {caller: checkout, rate: 1}":                                      "an edge names caller and callee",
		"edge: {caller: a, callee: b}":                                           "an edge has rate, errors, p50, p95, p99, failure, share or security; or absent alone",
		"edge: {caller: a, callee: b, security: mtls}":                           `unknown security "mtls"`,
		"edge: {caller: a, callee: b, share: 0.1}":                               "share is that of a version: name it",
		"edge: {caller: a, callee: b, version: v2, security: none}":              "write it in a check without version",
		"edge: {caller: a, callee: b, version: v2, share: {}}":                   "a bound is a number, or has above",
		"mesh: {service: a}":                                                     "a mesh check has state, ready, restarts",
		"mesh: {state: synced}":                                                  "a mesh check names a service",
		"mesh: {service: a, state: sync}":                                        `unknown state "sync"`,
		"mesh: {service: a, ejected: 1}":                                         "are those of a destination: name both",
		"mesh: {service: a, state: synced, destination: b}":                      "are those of a destination: name both",
		"mesh: {service: a, destination: b, route: {}}":                          "route and cluster have a condition",
		"mesh: {service: a, restarts: {}}":                                       "a bound is a number, or has above",
		"tls: {service: a}":                                                      "a tls check has mode, plaintext or identity",
		"tls: {mode: STRICT}":                                                    "a tls check names a service",
		"tls: {service: a, mode: STRCT}":                                         `unknown mode "STRCT"; did you mean "STRICT"?`,
		"tls: {service: a, plaintext: denied}":                                   `plaintext is refused or accepted, got "denied"`,
		"tls: {service: a, identity: b}":                                         "an identity is spiffe://",
		"tls: {service: a, mode: STRICT, caller: b}":                             "caller needs identity",
		"edge: {caller: a, callee: b, p95: {below: fast}}":                       `want a duration such as 500ms or 2s, got "fast"`,
		"alert: {name: Slow, state: fireing}":                                    `unknown state "fireing"; did you mean "firing"?`,
		"alert: {name: Slow, state: firing, at_least: 3}":                        `cannot be combined with state "firing"`,
		"alert: {state: firing}":                                                 "an alert check has the name of a rule",
		"resource: {kind: Deployment}":                                           "a resource check names kind and name",
		"resource: {kind: Service, name: b, fields: [{path: 'a[x', equals: 1}]}": `path "a[x": write names with dots`,
		"resource: {kind: Deploymnet, name: x}":                                  `did you mean`,
		"manifest: {file: a.yaml, objects: [{kind: Servcie}]}":                   `did you mean`,
		"order: {lost: {}}":                                                      "a bound is a number, or has above",
		"manifest: {file: ../secret}":                                            `names a file of the workspace, got "../secret"`,
		"manifest: {file: a.yaml, objects: [{name: x}]}":                         "an object has a kind",
		"gotest: {dir: /etc}":                                                    `dir is a directory of the workspace, got "/etc"`,
		"gotest: {says: x}":                                                      "says is for tests that fail",
		"gotest: {limit: 1h}":                                                    "a limit of 1h0m0s is too long for a check",
		"rpc: {service: a, method: b}\n  order: {}":                              "has 2 probes, want exactly one of rpc, instance",
	} {
		text, line := withProbe(t, probe)
		_, err := Parse("l.md", []byte(text))
		var ps Problems
		if !errors.As(err, &ps) || !strings.Contains(ps[0].Text, want) {
			t.Errorf("%s: got %v, want %s", probe, err, want)
			continue
		}
		if ps[0].Line != line && ps[0].Line != line-2 {
			t.Errorf("%s: reported at line %d, want %d", probe, ps[0].Line, line)
		}
	}
}

func TestServicesThatAProbeNamesMustExist(t *testing.T) {
	for _, probe := range []string{
		"edge: {caller: chekout, callee: payment, rate: 1}",
		"mesh: {service: payment, destination: chekout, ejected: 1}",
		"tls: {service: payment, caller: chekout, identity: 'spiffe://a'}",
		"trace: {service: payment, services: [chekout]}",
		"trace: {spans: [{name: x, parent: {service: chekout}}]}",
		"alert: {name: Slow, state: firing, labels: {service: chekout}}",
	} {
		text, line := withProbe(t, probe)
		l, err := Parse("l.md", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, p := range Lint(l, []string{"catalog", "payment", "checkout"}) {
			found = found || p.Code == "unknown-service" && p.Line == line && strings.Contains(p.Text, `did you mean "checkout"?`)
		}
		if !found {
			t.Errorf("%s: lint does not find it", probe)
		}
	}
}

func TestAnOrderNeedsTheServicesThatHandleMoney(t *testing.T) {
	text, _ := withProbe(t, "order: {}")
	l, err := Parse("l.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if found := Lint(l, []string{"catalog", "checkout"}); !strings.Contains(found.Error(), `the shop has no service "payment"`) {
		t.Errorf("lint does not find that payment is missing:\n%s", found)
	}
}
