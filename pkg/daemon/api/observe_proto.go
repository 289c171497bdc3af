package api

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/observe/scrape"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func protoEvent(e observe.Event) *controlpb.Event {
	return &controlpb.Event{
		Sequence: e.Sequence, Time: timestamppb.New(e.Time), Type: string(e.Type), Reason: e.Reason,
		Service: e.Service, Instance: e.Instance, Message: e.Message,
	}
}

func protoLogLine(l *observe.LogLine) *controlpb.LogLine {
	p := &controlpb.LogLine{
		Service: l.Service, Instance: l.Instance, Container: l.Container, Level: l.Level, Message: l.Message,
		TraceId: l.TraceID, SpanId: l.SpanID, Raw: l.Raw,
	}
	if !l.Time.IsZero() {
		p.Time = timestamppb.New(l.Time)
	}
	return p
}

func protoStats(s scrape.Stats) *controlpb.Stats {
	p := &controlpb.Stats{
		WindowMs: s.Window.Milliseconds(), Requests: s.Requests, RequestsPerSecond: s.Rate, ErrorRatio: s.ErrorRatio,
		P50Ms: millis(s.P50), P95Ms: millis(s.P95), P99Ms: millis(s.P99), RpsHistory: s.RateHistory,
	}
	for _, d := range s.P95History {
		p.P95History = append(p.P95History, millis(d))
	}
	return p
}
