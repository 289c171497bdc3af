package cheat

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// Find returns the cheats of a stage. With all, that is each kind on each target; otherwise those that may come to
// something with the goals there are, and one of several that come to the same.
func Find(l *lesson.Lesson, s *Stage, all bool) []Cheat {
	var found []Cheat
	for _, service := range s.Services() {
		found = append(found, scale(service), stop(service), remove(service))
		found = append(found, silence(service, "OTEL_SDK_DISABLED=true"), silence(service, "OTEL_TRACES_SAMPLER=always_off"))
	}
	found = append(found, loads(s)...)
	found = append(found, faults(s)...)
	found = append(found, files(l, s)...)
	found = slices.DeleteFunc(found, s.repairs)
	if all {
		return found
	}
	found = slices.DeleteFunc(found, func(c Cheat) bool {
		return !slices.ContainsFunc(s.Goals, func(g *format.Check) bool { return Applies(c, g) })
	})
	return s.oneOfEach(found)
}

// sameAs are the kinds that come to the same as another.
var sameAs = map[Kind]Kind{format.CheatStop: format.CheatScale, format.CheatDelete: format.CheatScale, format.CheatSlow: format.CheatIdle}

// oneOfEach picks one cheat of each kind, another one in each step.
func (s *Stage) oneOfEach(of []Cheat) []Cheat {
	var kinds []Kind
	same := map[Kind][]Cheat{}
	for _, c := range of {
		kind := cmp.Or(sameAs[c.Kind], c.Kind)
		if same[kind] == nil {
			kinds = append(kinds, kind)
		}
		same[kind] = append(same[kind], c)
	}
	h := fnv.New32a()
	h.Write([]byte(s.Step.ID))
	var picked []Cheat
	for _, kind := range kinds {
		picked = append(picked, same[kind][int(h.Sum32()%uint32(len(same[kind])))])
	}
	return picked
}

// repairs reports whether a cheat is what the solution does. Objects are applied by both.
func (s *Stage) repairs(c Cheat) bool {
	return c.Kind != format.CheatConstant && c.Kind != format.CheatReapply && slices.ContainsFunc(s.Repair, func(args []string) bool {
		return slices.ContainsFunc(c.Do, func(do []string) bool { return slices.Equal(do, args) })
	})
}

func scale(service string) Cheat {
	return Cheat{Kind: format.CheatScale, Target: service, Do: [][]string{{"scale", service, "--replicas", "0", "--wait"}}}
}

func stop(service string) Cheat {
	return Cheat{Kind: format.CheatStop, Target: service, Do: [][]string{{"stop", service}}}
}

func remove(service string) Cheat {
	return Cheat{Kind: format.CheatDelete, Target: service, Do: [][]string{{"delete", "deployment", service}}}
}

func silence(service, variable string) Cheat {
	name, _, _ := strings.Cut(variable, "=")
	return Cheat{
		Kind: format.CheatSilence, Target: service,
		Do: [][]string{{"set", "env", service, variable, "--wait"}}, Undo: [][]string{{"set", "env", service, name + "-", "--wait"}},
	}
}

// loads are cheats with the load; none where the step has no load of its own and the lesson neither.
func loads(s *Stage) []Cheat {
	var start []string
	for _, args := range append(s.Commands(), s.Work...) {
		if len(args) > 1 && args[0] == "load" && args[1] == "start" {
			start = args
		}
	}
	if start == nil {
		start = []string{"load", "start", "--rate", "20", "--seed", "42"}
	}
	idle := Cheat{Kind: format.CheatIdle, Do: [][]string{{"load", "stop"}}, Undo: [][]string{start}}
	slow := Cheat{Kind: format.CheatSlow, Do: [][]string{{"load", "start", "--rate", "1"}}, Undo: [][]string{start}}
	return []Cheat{idle, slow}
}

// faults are cheats with the faults of the experiment: each is made weaker, and cleared where that is not the repair.
func faults(s *Stage) []Cheat {
	var found []Cheat
	for _, args := range s.Commands() {
		weak := weaker(args, 25)
		if weak == nil {
			continue
		}
		found = append(found, Cheat{Kind: format.CheatWeaken, Target: args[2], Do: [][]string{weak}, Undo: [][]string{args}})
		found = append(found, Cheat{Kind: format.CheatWeaken, Target: args[2] + " to 5 %", Do: [][]string{weaker(args, 5)}, Undo: [][]string{args}})
		if !slices.ContainsFunc(s.Repair, clears) {
			found = append(found, Cheat{Kind: format.CheatClear, Target: args[2], Do: [][]string{{"fault", "clear", args[2]}}, Undo: [][]string{args}})
		}
	}
	return found
}

func clears(args []string) bool { return len(args) > 1 && args[0] == "fault" && args[1] == "clear" }

// files are cheats with the objects that the learner applies.
func files(l *lesson.Lesson, s *Stage) []Cheat {
	var found []Cheat
	var applied []string
	for _, args := range append(s.Commands(), s.Repair...) {
		if i := slices.Index(args, "-f"); i > 0 && i+1 < len(args) && args[0] == "apply" {
			applied = append(applied, args[i+1])
		}
	}
	slices.Sort(applied)
	for _, name := range slices.Compact(applied) {
		if l.Files[name] == nil {
			continue
		}
		apply := []string{"apply", "-f", name}
		if strings.Contains(string(l.Files[name]), "kind: PrometheusRule") {
			found = append(found, Cheat{Kind: format.CheatConstant, Target: name, Constant: name, Do: [][]string{apply}, Undo: [][]string{apply}})
		}
		again := [][]string{{"delete", "-f", name}, apply}
		found = append(found, Cheat{Kind: format.CheatReapply, Target: name, Do: append(again, again...)})
	}
	return found
}

// Applies reports whether a cheat may reach a goal. A service that is gone has no errors and no long waits, a silent one
// reports none, and without calls there are none; but no call succeeds by that, and no trace becomes complete.
func Applies(c Cheat, g *format.Check) bool {
	switch c.Kind {
	case format.CheatScale, format.CheatStop, format.CheatDelete, format.CheatSilence:
		return quiet(g.Probe)
	case format.CheatIdle, format.CheatSlow:
		return g.ProbeKind() != "trace" && quiet(g.Probe)
	case format.CheatConstant, format.CheatReapply:
		return slices.Contains([]string{"promql", "alert", "resource", "manifest"}, g.ProbeKind())
	}
	return true
}

// quiet reports whether a probe passes where little happens: it bounds something from above, or wants something absent.
func quiet(p probe.Probe) bool {
	low := func(b *probe.Bound) bool { return b != nil && lowers(b.BoundFields) }
	switch q := p.(type) {
	case *probe.Edge:
		return q.Absent || low(q.Errors) || low(q.Rate) || q.P50 != nil || q.P95 != nil || q.P99 != nil
	case *probe.PromQL:
		return lowers(q.BoundFields)
	case *probe.Order:
		return low(q.Lost) || low(q.Charges)
	case *probe.Trace:
		return len(q.Without) > 0 || q.Below > 0 || slices.ContainsFunc(q.Spans, func(s probe.Span) bool { return s.Below > 0 })
	case *probe.Alert:
		return q.State == "inactive" || q.State == "resolved"
	case *probe.RPC:
		return q.Expect.Code.Code != codes.OK
	}
	return false
}

func lowers(b probe.BoundFields) bool { return b.Below != nil || b.AtMost != nil || b.Equals != nil }

// named finds the services that an expression of PromQL names.
var named = lazyregexp.New(`(?:service|job)="([a-z-]+?)(?:service)?"`)

// services are those that a goal names.
func services(c *format.Check) []string {
	var all []string
	for _, n := range c.Probe.NamedServices() {
		if n.Name != "" {
			all = append(all, n.Name)
		}
	}
	switch q := c.Probe.(type) {
	case *probe.PromQL:
		for _, m := range named().FindAllStringSubmatch(q.Expr, -1) {
			all = append(all, m[1])
		}
	case *probe.Resource:
		if q.Kind == "Deployment" {
			all = append(all, strings.TrimSuffix(q.Name, "service"))
		}
	}
	return slices.DeleteFunc(all, func(name string) bool { return name == "loadgenerator" || name == "" })
}
