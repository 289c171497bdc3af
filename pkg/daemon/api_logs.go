package daemon

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/observe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func (a *api) Logs(req *controlpb.LogsRequest, stream grpc.ServerStreamingServer[controlpb.LogLine]) error {
	q := observe.LogQuery{
		Instance: req.GetInstance(), Container: req.GetContainer(), AllContainers: req.GetAllContainers(),
		Tail: int(req.GetTail()), Follow: req.GetFollow(),
	}
	if q.Tail < 0 {
		return control.Error(codes.InvalidArgument, fmt.Sprintf("read logs: %d lines", q.Tail), "use a number above zero", 2)
	}
	if name := req.GetService(); name != "" {
		key, ok := a.names().find(name)
		switch {
		case ok:
			q.Service = a.displayName(key)
		case a.module(name) != "":
			q.Service = a.module(name)
		case a.logs.Knows(name):
			q.Service = name
		default:
			return a.names().unknown(name)
		}
	}
	var err error
	if q.LogFilter, err = a.logFilter(stream.Context(), req); err != nil {
		return err
	}
	if since := req.GetSince(); since != nil {
		q.Since = since.AsTime()
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(a.leaving, cancel)()
	err = a.logs.Read(ctx, q, func(l *observe.LogLine) error { return stream.Send(protoLogLine(l)) })
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// logFilter reads what a request wants of the lines.
func (a *api) logFilter(ctx context.Context, req *controlpb.LogsRequest) (observe.LogFilter, error) {
	f := observe.LogFilter{TraceID: strings.ToLower(req.GetTraceId()), SpanID: strings.ToLower(req.GetSpanId())}
	switch {
	case f.TraceID == lastTrace:
		sum, err := a.newestTrace(ctx, nil)
		if err != nil {
			return f, err
		}
		f.TraceID = sum.ID.String()
	case f.TraceID != "" && !isHex(f.TraceID, 32):
		return f, badTraceID(req.GetTraceId())
	}
	if f.SpanID != "" && !isHex(f.SpanID, 16) {
		return f, control.Error(codes.InvalidArgument, fmt.Sprintf("%q is no span id: want up to 16 hexadecimal digits", req.GetSpanId()), "shopctl trace show last -o json", 2)
	}
	if word := req.GetLevel(); word != "" {
		var ok bool
		if f.Level, ok = observe.LogLevel(word); !ok {
			return f, control.Error(codes.InvalidArgument, fmt.Sprintf("unknown level %q", word), "one of "+strings.Join(observe.LogLevels(), ", "), 2)
		}
	}
	if req.GetGrep() != "" {
		var err error
		if f.Grep, err = regexp.Compile(req.GetGrep()); err != nil {
			return f, control.Error(codes.InvalidArgument, fmt.Sprintf("read regular expression: %v", err), "quote what shall stand for itself: \\(  \\[  \\.  \\*", 2)
		}
	}
	return f, nil
}
