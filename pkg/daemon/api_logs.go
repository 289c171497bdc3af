package daemon

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/observe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func (a *api) Logs(req *controlpb.LogsRequest, stream grpc.ServerStreamingServer[controlpb.LogLine]) error {
	q := observe.LogQuery{Instance: req.GetInstance(), Tail: int(req.GetTail()), Follow: req.GetFollow()}
	if q.Tail < 0 {
		return control.Error(codes.InvalidArgument, fmt.Sprintf("read logs: %d lines", q.Tail), "use a number above zero", 2)
	}
	if name := req.GetService(); name != "" {
		key, ok := a.names().find(name)
		switch {
		case ok:
			q.Service = a.displayName(key)
		case a.logs.Knows(name):
			q.Service = name
		default:
			return a.names().unknown(name)
		}
	}
	if since := req.GetSince(); since != nil {
		q.Since = since.AsTime()
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(a.leaving, cancel)()
	err := a.logs.Read(ctx, q, stream.Send)
	if ctx.Err() != nil {
		return nil
	}
	return err
}
