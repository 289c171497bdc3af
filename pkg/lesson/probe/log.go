package probe

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/shellword"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Log looks for a line that a service wrote since the step began.
type Log struct {
	At       strictyaml.Position
	Service  string  `yaml:"service" lesson:"required"`
	Contains Strings `yaml:"contains"`
	Matches  Pattern `yaml:"matches"`
	Level    string  `yaml:"level"`
	// AtLeast is how many such lines there must be; default 1.
	AtLeast int `yaml:"at_least"`
}

// Validate implements Probe.
func (l *Log) Validate(report Report) {
	if l.Service == "" || len(l.Contains) == 0 && l.Matches.Regexp == nil {
		report(l.At, "a log check names a service, and contains or matches")
	}
}

// ProbeKind implements Probe.
func (*Log) ProbeKind() string { return "log" }

// NamedServices implements Probe.
func (l *Log) NamedServices() []Named { return []Named{{l.Service, l.At}} }

// Lookback implements Probe.
func (*Log) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*Log) Triggers() Event { return LineWritten }

// maxLines bounds the lines that a log check reads.
const maxLines = 2000

// Command implements Probe.
func (l *Log) Command() string {
	return shellword.Join("shopctl", "logs", l.Service)
}

// Evidence implements Probe.
func (l *Log) Evidence() Evidence {
	return Evidence{Kind: LogEvidence, Service: l.Service}
}

// Ask implements Probe.
func (l *Log) Ask(ctx context.Context, env Env, base Baseline) Result {
	least := max(l.AtLeast, 1)
	r := Result{Expected: fmt.Sprintf("%s in the log of %s", wantedLine(l), l.Service)}
	if least > 1 {
		r.Expected = fmt.Sprintf("%d times %s", least, r.Expected)
	}
	found, lines, last := 0, 0, ""
	r.Evidence = Evidence{Kind: LogEvidence, Service: l.Service}
	req := &controlpb.LogsRequest{Service: l.Service, Since: timestamppb.New(base.Since), Tail: maxLines}
	err := env.lines(ctx, req, func(line *controlpb.LogLine) {
		lines++
		if matchesLine(l, line) {
			found++
			last = short(cmp.Or(line.GetMessage(), line.GetRaw()))
			r.Evidence.Time, r.Evidence.Text = line.GetTime().AsTime(), cmp.Or(line.GetMessage(), line.GetRaw())
		}
	})
	if err != nil {
		r.Verdict, r.Observed = Inconclusive, err.Error()
		return r
	}
	switch {
	case found >= least:
		r.Verdict, r.Observed = Pass, last
	case lines == 0:
		r.Verdict, r.Observed = Fail, l.Service+" has written nothing since the step began"
	default:
		r.Verdict, r.Observed = Fail, fmt.Sprintf("%d of %d lines since the step began", found, lines)
	}
	return r
}

func wantedLine(want *Log) string {
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

func matchesLine(want *Log, line *controlpb.LogLine) bool {
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
