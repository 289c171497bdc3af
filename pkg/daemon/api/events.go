package api

import (
	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/observe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// eventsServer serves what happened in the shop.
type eventsServer struct {
	events  *observe.Events
	names   *names.Directory
	leaving <-chan struct{}
}

// Events sends events, and with follow continues with new ones.
func (s *eventsServer) Events(req *controlpb.EventsRequest, stream grpc.ServerStreamingServer[controlpb.Event]) error {
	service := ""
	if req.GetService() != "" {
		key, ok := s.names.Find(req.GetService())
		if ok {
			service = s.names.Display(key)
		} else if t, ok := s.names.ModuleTarget(req.GetService()); ok {
			service = t.Process
		} else if service = req.GetService(); !s.events.Knows(service) {
			return s.names.Unknown(service)
		}
	}
	var seq uint64
	for {
		events, more := s.events.After(seq)
		for _, e := range events {
			seq = e.Sequence
			if service != "" && e.Service != service {
				continue
			}
			if since := req.GetSince(); since != nil && e.Time.Before(since.AsTime()) {
				continue
			}
			if err := stream.Send(protoEvent(e)); err != nil {
				return err
			}
		}
		if !req.GetFollow() {
			return nil
		}
		select {
		case <-more:
		case <-stream.Context().Done():
			return nil
		case <-s.leaving:
			return nil
		}
	}
}
