package api

import (
	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// shutdownServer takes the shop down.
type shutdownServer struct {
	shop  orchestrator.Runner
	names *names.Directory
	// stop shuts the daemon down, kill at once.
	stop, kill func()
}

// Shutdown takes the shop down and sends each step.
func (s *shutdownServer) Shutdown(req *controlpb.ShutdownRequest, stream grpc.ServerStreamingServer[controlpb.ShutdownProgress]) error {
	steps := make(chan orchestrator.Progress, 1024)
	s.shop.Shutdown(false, func(p orchestrator.Progress) {
		select {
		case steps <- p:
		default: // the client no longer reads
		}
	})
	if req.GetNow() {
		s.kill()
	}
	s.stop()
	for {
		select {
		case p := <-steps:
			if err := stream.Send(s.progress(p)); err != nil {
				return err
			}
		case <-s.shop.Done():
			for len(steps) > 0 {
				if err := stream.Send(s.progress(<-steps)); err != nil {
					return err
				}
			}
			return stream.Send(&controlpb.ShutdownProgress{State: "done"})
		}
	}
}

func (s *shutdownServer) progress(p orchestrator.Progress) *controlpb.ShutdownProgress {
	out := &controlpb.ShutdownProgress{Service: s.names.Display(p.Workload), State: p.State}
	for _, key := range p.Alive {
		out.Alive = append(out.Alive, s.names.Display(key))
	}
	return out
}
