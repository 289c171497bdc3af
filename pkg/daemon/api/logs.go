package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/observe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// logsServer serves the logs of instances.
type logsServer struct {
	logs    *observe.Logs
	names   *names.Directory
	traces  *tracesServer
	leaving <-chan struct{}
}

// Logs sends log lines, and with follow continues with new ones.
func (s *logsServer) Logs(req *controlpb.LogsRequest, stream grpc.ServerStreamingServer[controlpb.LogLine]) error {
	q := observe.LogQuery{
		Instance: req.GetInstance(), Container: req.GetContainer(), AllContainers: req.GetAllContainers(),
		Tail: int(req.GetTail()), Follow: req.GetFollow(), Previous: req.GetPrevious(),
	}
	if q.Tail < 0 {
		return control.Error(codes.InvalidArgument, fmt.Sprintf("read logs: %d lines", q.Tail), "use a number above zero", 2)
	}
	if namespace, ok := strings.CutSuffix(req.GetService(), "/"); ok {
		q.Namespace = func(service string) bool { return s.names.InNamespace(service, namespace) }
	} else if name := req.GetService(); name != "" {
		first, err := s.target(name)
		if err != nil {
			return err
		}
		q.Service = first.Service
		if first.Instance != "" {
			q.Instance = first.Instance
		}
		for _, name := range req.GetMoreServices() {
			next, err := s.target(name)
			if err != nil {
				return err
			}
			q.More = append(q.More, observe.LogTarget{Service: next.Service, Instance: cmp.Or(next.Instance, req.GetInstance())})
		}
	}
	var err error
	if q.LogFilter, err = s.logFilter(stream.Context(), req); err != nil {
		return err
	}
	if since := req.GetSince(); since != nil {
		q.Since = since.AsTime()
	}
	ctx, cancel := until(stream.Context(), s.leaving)
	defer cancel()
	err = s.logs.Read(ctx, q, func(l *observe.LogLine) error { return stream.Send(protoLogLine(l)) })
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, observe.ErrNoPreviousRun):
		what := "any container"
		if q.Service != "" {
			what = q.Service
		}
		return control.Error(codes.NotFound, fmt.Sprintf("read logs of %s: no run has ended, and none is kept of the last time the shop ran", what), "shopctl logs "+q.Service, 1)
	}
	return err
}

// target is the service, module or instance that a name means.
func (s *logsServer) target(name string) (observe.LogTarget, error) {
	key, ref, err := s.names.Resolve(name)
	switch {
	case err == nil && ref.Kind == servicename.Pod:
		return observe.LogTarget{Service: s.names.Display(key), Instance: ref.Name}, nil
	case err == nil:
		return observe.LogTarget{Service: s.names.Display(key)}, nil
	case s.names.Module(name) != "":
		return observe.LogTarget{Service: s.names.Module(name)}, nil
	case s.logs.Knows(name):
		return observe.LogTarget{Service: name}, nil
	}
	return observe.LogTarget{}, s.names.Unknown(name)
}

// logFilter reads the filter of a request.
func (s *logsServer) logFilter(ctx context.Context, req *controlpb.LogsRequest) (observe.LogFilter, error) {
	f := observe.LogFilter{TraceID: strings.ToLower(req.GetTraceId()), SpanID: strings.ToLower(req.GetSpanId())}
	switch {
	case f.TraceID == lastTrace:
		sum, err := s.traces.newestTrace(ctx, nil, 0)
		if err != nil {
			return f, err
		}
		f.TraceID = sum.ID.String()
	case f.TraceID != "" && !isHex(f.TraceID, 32):
		return f, badTraceID(req.GetTraceId())
	}
	if f.SpanID != "" && !isHex(f.SpanID, 16) {
		return f, control.Error(codes.InvalidArgument, fmt.Sprintf("%q is not a span id: want up to 16 hexadecimal digits", req.GetSpanId()), "shopctl trace show last -o json", 2)
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
			return f, control.Error(codes.InvalidArgument, fmt.Sprintf("read regular expression: %v", err), "quote literal characters: \\(  \\[  \\.  \\*", 2)
		}
	}
	return f, nil
}
