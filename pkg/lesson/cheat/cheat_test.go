package cheat_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/cheat"
)

const text = `---
id: slow
title: A slow payment
track: resilience
---

## Slow {#slow}

` + "```sh run" + `
shopctl load start --rate 30 --seed 7
shopctl fault inject payment --error UNAVAILABLE --percent 50 --for 10m
shopctl apply -f rules.yaml
` + "```" + `
` + "```yaml check" + `
- id: failing
  title: Orders fail
  edge: {caller: frontend, callee: checkout, errors: {at_least: 0.5}}
- id: healed
  title: Cards are charged
  needs: [failing]
  edge: {caller: checkout, callee: payment, errors: {at_most: 0}}
- id: recorded
  title: A rule records it
  promql: {expr: "lesson:errors / sum(rate(x{service=\"catalog\"}[5s]))", at_least: 0.5, at_most: 2}
- id: answered
  title: You know it
  answer: {question: Which one, kind: text, accept: [a]}
` + "```" + `
`

const solution = `step slow
run
observe 1
expect failing pass
shopctl fault clear payment
shopctl call cart GetCart
expect healed fail 'not yet'
expect healed pass
write right.yaml rules.yaml
shopctl apply -f rules.yaml
expect recorded pass
answer answered a
shopctl mail
next
-- right.yaml --
kind: PrometheusRule
`

func stages(t *testing.T) (*lesson.Lesson, []cheat.Stage) {
	t.Helper()
	all, err := lesson.Load(fstest.MapFS{
		"slow/lesson.md":               {Data: []byte(text)},
		"slow/rules.yaml":              {Data: []byte("apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: rules}\n")},
		"slow/testdata/solution.txtar": {Data: []byte(solution)},
	})
	if err != nil {
		t.Fatal(err)
	}
	sc, err := lesson.ParseScript("solution.txtar", all[0].Scripts["solution"])
	if err != nil {
		t.Fatal(err)
	}
	return all[0], cheat.Stages(all[0], sc)
}

func TestAStageIsARepairWithTheGoalsThatItReaches(t *testing.T) {
	_, all := stages(t)
	if len(all) != 2 {
		t.Fatalf("%d stages: %+v", len(all), all)
	}
	first, second := all[0], all[1]
	if len(first.Goals) != 1 || first.Goals[0].ID != "healed" || len(first.Before) != 3 || len(first.Repair) != 1 || strings.Join(first.Work[0], " ") != "call cart GetCart" {
		t.Errorf("the first: %+v", first)
	}
	if len(second.Goals) != 1 || second.Goals[0].ID != "recorded" || second.Files["rules.yaml"] != "right.yaml" {
		t.Errorf("the second: %+v", second)
	}
}

func names(all []cheat.Cheat) []string {
	var out []string
	for _, c := range all {
		out = append(out, c.String())
	}
	return out
}

func TestWhichCheatsApplyFollowsFromTheProbes(t *testing.T) {
	l, all := stages(t)
	every := names(cheat.Find(l, &all[0], true))
	for _, want := range []string{
		"scale checkout", "stop payment", "delete payment", "silence checkout", "idle", "slow", "weaken payment", "weaken payment to 5 %",
		"constant rules.yaml", "reapply rules.yaml",
	} {
		if !slices.Contains(every, want) {
			t.Errorf("%q is not among %q", want, every)
		}
	}
	if slices.Contains(every, "clear payment") {
		t.Error("the honest repair is called a cheat")
	}
	some := names(cheat.Find(l, &all[0], false))
	if len(some) >= len(every) || slices.Contains(some, "constant rules.yaml") || !slices.ContainsFunc(some, func(name string) bool { return name == "idle" || name == "slow" }) {
		t.Errorf("with a bound from above on an edge: %q", some)
	}
	rules := names(cheat.Find(l, &all[1], false))
	if !slices.Contains(rules, "constant rules.yaml") || !slices.Contains(rules, "reapply rules.yaml") || !slices.Contains(rules, "clear payment") {
		t.Errorf("of a rule: %q", rules)
	}
	for _, c := range cheat.Find(l, &all[0], true) {
		if c.String() == "weaken payment" {
			if got := strings.Join(c.Do[0], " "); got != "fault inject payment --error UNAVAILABLE --for 10m --percent 25" {
				t.Errorf("weaker: %s", got)
			}
			if got := strings.Join(c.Undo[0], " "); got != "fault inject payment --error UNAVAILABLE --percent 50 --for 10m" {
				t.Errorf("undone: %s", got)
			}
		}
	}
}
