package api

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/rpc/code"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// specOf reads a request for a fault.
func specOf(r *controlpb.InjectFaultRequest) fault.Spec {
	f := r.GetFault()
	s := fault.Spec{
		Service: f.GetService(), Method: f.GetMethod(), Percent: f.GetPercent(), Delay: f.GetDelay().AsDuration(),
		Error: f.GetError(), Crash: f.GetCrash(), KillSidecar: f.GetKillSidecar(), Pause: f.GetPause(), Single: f.GetSingle(), For: r.GetFor().AsDuration(), Owner: f.GetOwner(),
		From: f.GetFrom(), Headers: f.GetHeaders(), Where: f.GetWhere(), Partition: f.GetPartition(), Drop: f.GetDrop(), Bandwidth: f.GetBandwidth(),
		Director: f.GetDirector(),
	}
	if r.GetFor() != nil && s.For == 0 {
		s.For = -1 // a length that was given as zero, which is invalid
	}
	return s
}

func protoFault(f fault.Fault, now time.Time) *controlpb.Fault {
	p := &controlpb.Fault{
		Id: f.ID, Service: f.Service, Method: f.Method, Percent: f.Percent,
		Crash: f.Crash, KillSidecar: f.KillSidecar, Pause: f.Pause, Single: f.Single,
		From: f.From, Headers: f.Headers, Where: f.Where, Partition: f.Partition, Drop: f.Drop, Bandwidth: f.Bandwidth, Director: f.Director,
		Injected: timestamppb.New(f.Injected),
		Phrase:   f.Phrase(now), Owner: f.Owner,
	}
	if f.Delay > 0 {
		p.Delay = durationpb.New(f.Delay)
	}
	if f.Code != codes.OK {
		p.Error = code.Name(f.Code)
	}
	if !f.Ends.IsZero() {
		p.Ends = timestamppb.New(f.Ends)
	}
	return p
}

func protoFaults(faults []fault.Fault, now time.Time) []*controlpb.Fault {
	out := make([]*controlpb.Fault, len(faults))
	for i, f := range faults {
		out[i] = protoFault(f, now)
	}
	return out
}
