package api

import (
	"strings"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/observe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// eventsServer serves what happened in the shop.
type eventsServer struct {
	events  *observe.Events
	names   *names.Directory
	leaving <-chan struct{}
}

// filter reports whether an event is about what a name means: a service, an instance, or with "NAMESPACE/" any in a
// namespace.
func (s *eventsServer) filter(name string) (func(observe.Event) bool, error) {
	if name == "" {
		return func(observe.Event) bool { return true }, nil
	}
	if namespace, ok := strings.CutSuffix(name, "/"); ok {
		return func(e observe.Event) bool { return e.Service != "" && s.names.InNamespace(e.Service, namespace) }, nil
	}
	service := name
	if key, ref, err := s.names.Resolve(name); err == nil {
		if ref.Kind == servicename.Pod {
			return func(e observe.Event) bool { return e.Instance == ref.Name }, nil
		}
		service = s.names.Display(key)
	} else if t, ok := s.names.ModuleTarget(name); ok {
		service = t.Process
	} else if !s.events.Knows(service) {
		return nil, s.names.Unknown(service)
	}
	return func(e observe.Event) bool { return e.Service == service }, nil
}

// Events sends events, and with follow continues with new ones.
func (s *eventsServer) Events(req *controlpb.EventsRequest, stream grpc.ServerStreamingServer[controlpb.Event]) error {
	wanted, err := s.filter(req.GetService())
	if err != nil {
		return err
	}
	var seq uint64
	for {
		events, more := s.events.After(seq)
		for _, e := range events {
			seq = e.Sequence
			if !wanted(e) {
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
