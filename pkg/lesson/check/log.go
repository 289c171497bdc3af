package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// maxLines bounds the lines that a log check reads.
const maxLines = 2000

// logAsker evaluates probe.Log.
type logAsker struct{ *probe.Log }

func (a logAsker) command() string {
	return "shopctl logs " + a.Service
}

func (a logAsker) evidence() Evidence {
	return Evidence{Kind: LogEvidence, Service: a.Service}
}

func (a logAsker) evaluate(ctx context.Context, p Prober, base Baseline) Result {
	want := a.Log
	least := max(want.AtLeast, 1)
	r := Result{Expected: fmt.Sprintf("%s in the log of %s", wantedLine(want), want.Service)}
	if least > 1 {
		r.Expected = fmt.Sprintf("%d times %s", least, r.Expected)
	}
	found, lines, last := 0, 0, ""
	r.Evidence = Evidence{Kind: LogEvidence, Service: want.Service}
	req := &controlpb.LogsRequest{Service: want.Service, Since: timestamppb.New(base.Since), Tail: maxLines}
	err := p.lines(ctx, req, func(line *controlpb.LogLine) {
		lines++
		if matchesLine(want, line) {
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
		r.Verdict, r.Observed = Fail, want.Service+" has written nothing since the step began"
	default:
		r.Verdict, r.Observed = Fail, fmt.Sprintf("%d of %d lines since the step began", found, lines)
	}
	return r
}

func wantedLine(want *probe.Log) string {
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

func matchesLine(want *probe.Log, line *controlpb.LogLine) bool {
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

// lines reads the lines of a log that a request asks for.
func (p Prober) lines(ctx context.Context, req *controlpb.LogsRequest, each func(*controlpb.LogLine)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.Shop.Logs(ctx, req)
	if err != nil {
		return err
	}
	for {
		line, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the log of %s: %w", req.GetService(), err)
		}
		each(line)
	}
}
