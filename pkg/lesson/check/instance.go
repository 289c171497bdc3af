package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// service finds a service by either of its names; nil if the shop has none such.
func (e Eye) service(ctx context.Context, name string) (*controlpb.Service, error) {
	st, err := e.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, fmt.Errorf("read the shop's state: %w", err)
	}
	for _, s := range st.GetServices() {
		if s.GetName() == name || s.GetWorkload() == name {
			return s, nil
		}
	}
	return nil, nil
}

func (e Eye) instance(ctx context.Context, want *format.Instance, base Baseline) Result {
	var expected, observed []string
	ok := true
	note := func(matches bool, name, wants, is string) {
		ok = ok && matches
		expected = append(expected, name+" "+wants)
		observed = append(observed, name+" "+is)
	}
	s, err := e.service(ctx, want.Service)
	if err != nil {
		return Result{Verdict: Inconclusive, Expected: want.Service, Observed: err.Error()}
	}
	state := "absent"
	if s != nil {
		state = s.GetState()
	}
	if len(want.State) > 0 {
		note(slices.Contains(want.State, state), "state", strings.Join(want.State, " or "), state)
	}
	if want.Version != "" {
		note(s.GetVersion() == want.Version, "version", want.Version, s.GetVersion())
	}
	restarts := int(s.GetRestarts()) - base.Restarts[s.GetName()]
	for _, n := range []struct {
		name string
		want *int
		is   int
	}{
		{"replicas", want.Replicas, int(s.GetReplicas())},
		{"ready", want.Ready, int(s.GetReady())},
		{"restarts", want.Restarts, restarts},
		{"faults", want.Faults, len(s.GetFaults())},
	} {
		if n.want != nil {
			note(n.is == *n.want, n.name, fmt.Sprint(*n.want), fmt.Sprint(n.is))
		}
	}
	if len(expected) == 0 {
		note(s != nil, "state", "anything", state)
	}
	r := Result{Verdict: Fail, Expected: want.Service + ": " + strings.Join(expected, ", "), Observed: want.Service + ": " + strings.Join(observed, ", ")}
	if ok {
		r.Verdict = Pass
	}
	return r
}

// mostLines bounds how far a log check looks back.
const mostLines = 2000

func (e Eye) log(ctx context.Context, want *format.Log, base Baseline) Result {
	least := max(want.AtLeast, 1)
	r := Result{Expected: fmt.Sprintf("%s in the log of %s", wantedLine(want), want.Service)}
	if least > 1 {
		r.Expected = fmt.Sprintf("%d times %s", least, r.Expected)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := e.Shop.Logs(ctx, &controlpb.LogsRequest{Service: want.Service, Since: timestamppb.New(base.Since), Tail: mostLines})
	if err != nil {
		r.Verdict, r.Observed = Inconclusive, err.Error()
		return r
	}
	found, lines, last := 0, 0, ""
	for {
		line, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.Verdict, r.Observed = Inconclusive, fmt.Sprintf("read the log of %s: %s", want.Service, err)
			return r
		}
		lines++
		if matchesLine(want, line) {
			found++
			last = short(line.GetMessage())
			if last == "" {
				last = short(line.GetRaw())
			}
		}
	}
	switch {
	case found >= least:
		r.Verdict, r.Observed = Pass, last
	case lines == 0:
		r.Verdict, r.Observed = Fail, want.Service+" has written nothing since the step began"
	default:
		r.Verdict, r.Observed = Fail, fmt.Sprintf("%d of %d lines since the step began", found, lines)
	}
	return r
}

func wantedLine(want *format.Log) string {
	var parts []string
	for _, c := range want.Contains {
		parts = append(parts, fmt.Sprintf("%q", c))
	}
	if want.Matches.Regexp != nil {
		parts = append(parts, want.Matches.String())
	}
	if want.Level != "" {
		parts = append(parts, "level "+want.Level)
	}
	return strings.Join(parts, " and ")
}

func matchesLine(want *format.Log, line *controlpb.LogLine) bool {
	for _, c := range want.Contains {
		if !strings.Contains(line.GetRaw(), c) && !strings.Contains(line.GetMessage(), c) {
			return false
		}
	}
	if want.Matches.Regexp != nil && !want.Matches.MatchString(line.GetRaw()) && !want.Matches.MatchString(line.GetMessage()) {
		return false
	}
	return want.Level == "" || want.Level == line.GetLevel()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
