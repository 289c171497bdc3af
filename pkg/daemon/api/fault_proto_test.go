package api

import (
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/fault"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestFaultIsTheSameOnTheWire(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f := fault.Fault{ID: "f7", Service: "payment", Method: "Charge", Percent: 50, Delay: time.Second, Code: codes.Internal, Injected: now, Ends: now.Add(time.Minute), Owner: "cli"}
	p := protoFault(f, now)
	if p.GetId() != "f7" || p.GetError() != "INTERNAL" || p.GetDelay().AsDuration() != time.Second || !p.GetEnds().AsTime().Equal(f.Ends) ||
		p.GetPhrase() != "+1s INTERNAL 50% Charge, 1m left" || p.GetOwner() != "cli" {
		t.Errorf("got %v", p)
	}
	if p := protoFault(fault.Fault{Pause: true}, now); p.Delay != nil || p.Ends != nil || p.GetError() != "" || !p.GetPause() {
		t.Errorf("got %v", p)
	}
	if p := protoFault(fault.Fault{Crash: true, Single: true}, now); !p.GetSingle() || !p.GetCrash() {
		t.Errorf("got %v", p)
	}
}

func TestRequestOfTheAPIBecomesASpec(t *testing.T) {
	r := &controlpb.InjectFaultRequest{
		Fault: &controlpb.Fault{Service: "payment", Method: "Charge", Percent: 50, Delay: durationpb.New(time.Second), Error: "INTERNAL", Owner: "cli"},
		For:   durationpb.New(time.Minute),
	}
	want := fault.Spec{Service: "payment", Method: "Charge", Percent: 50, Delay: time.Second, Error: "INTERNAL", Owner: "cli", For: time.Minute}
	if got := specOf(r); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	r.For = durationpb.New(0)
	if got := specOf(r); got.For >= 0 {
		t.Errorf("a fault that lasts no time is read as one that lasts %s", got.For)
	}
	if got := specOf(&controlpb.InjectFaultRequest{}); !reflect.DeepEqual(got, fault.Spec{}) {
		t.Errorf("empty request: %+v", got)
	}
}
