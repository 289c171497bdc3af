package cli

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// faultyShop keeps the faults that it is asked for.
type faultyShop struct {
	fakeShop
	faults  []*controlpb.Fault
	injects []*controlpb.InjectFaultRequest
	clears  []*controlpb.ClearFaultsRequest
}

func (s *faultyShop) InjectFault(_ context.Context, r *controlpb.InjectFaultRequest) (*controlpb.InjectFaultResponse, error) {
	s.injects = append(s.injects, r)
	if s.fail != nil {
		return nil, s.fail
	}
	f := r.GetFault()
	f.Id, f.Phrase, f.Injected = "f1", "UNAVAILABLE 50% Charge, 2m left", timestamppb.New(testNow())
	if r.GetFor() != nil {
		f.Ends = timestamppb.New(testNow().Add(r.GetFor().AsDuration()))
	}
	return &controlpb.InjectFaultResponse{Fault: f}, nil
}

func (s *faultyShop) ListFaults(context.Context, *controlpb.ListFaultsRequest) (*controlpb.ListFaultsResponse, error) {
	return &controlpb.ListFaultsResponse{Faults: s.faults}, nil
}

func (s *faultyShop) ClearFaults(_ context.Context, r *controlpb.ClearFaultsRequest) (*controlpb.ClearFaultsResponse, error) {
	s.clears = append(s.clears, r)
	return &controlpb.ClearFaultsResponse{Faults: s.faults}, s.fail
}

func TestFaultIsInjectedAsTheFlagsSay(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want *controlpb.InjectFaultRequest
	}{
		"error":  {[]string{"--error", "unavailable", "--percent", "50"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Error: "unavailable", Percent: 50}}},
		"delay":  {[]string{"--delay", "500ms", "--method", "Charge", "--for", "2m"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Delay: durationpb.New(500 * time.Millisecond), Method: "Charge"}, For: durationpb.New(2 * time.Minute)}},
		"crash":  {[]string{"--crash"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Crash: true}}},
		"pause":  {[]string{"--pause", "--for", "10s"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Pause: true}, For: durationpb.New(10 * time.Second)}},
		"bare":   {nil, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Error: "UNAVAILABLE"}}},
		"method": {[]string{"--method", "Charge"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Error: "UNAVAILABLE", Method: "Charge"}}},
	} {
		t.Run(name, func(t *testing.T) {
			shop := &faultyShop{}
			w := newWorld(t).serve(shop)
			w.want(exitOK, append([]string{"fault", "inject", "payment"}, c.args...)...)
			c.want.Fault.Service, c.want.Fault.Owner = "payment", "cli"
			c.want.Fault.Id, c.want.Fault.Phrase, c.want.Fault.Injected = "f1", "UNAVAILABLE 50% Charge, 2m left", timestamppb.New(testNow())
			if c.want.For != nil {
				c.want.Fault.Ends = timestamppb.New(testNow().Add(c.want.For.AsDuration()))
			}
			if d := cmp.Diff(c.want, shop.injects[0], protocmp.Transform()); d != "" {
				t.Errorf("request (-want +got):\n%s", d)
			}
		})
	}
}

func TestInjectSaysWhatIsBrokenUntilWhenAndHowToUndoIt(t *testing.T) {
	w := newWorld(t).serve(&faultyShop{})
	w.want(exitOK, "fault", "inject", "payment", "--error", "UNAVAILABLE", "--for", "2m")
	if w.out.String() != "fault on payment: UNAVAILABLE 50% Charge, 2m left\n" {
		t.Errorf("printed %q", w.out.String())
	}
	w.wantErr("ends in 2m0s\n", "next: shopctl fault clear payment\n")
	w.want(exitOK, "fault", "inject", "payment")
	w.wantErr("calls fail with UNAVAILABLE", "ends when cleared\n")
	w.want(exitOK, "fault", "inject", "payment", "--crash")
	w.wantErr("next: shopctl ps --instances payment\n")
	w.want(exitOK, "fault", "inject", "payment", "-q", "-o", "json")
	var view faultsView
	if err := json.Unmarshal(w.out.Bytes(), &view); err != nil || len(view.Faults) != 1 || view.Faults[0].Error != "UNAVAILABLE" {
		t.Errorf("%v in %s", err, w.out.String())
	}
	if w.err.String() != "" {
		t.Errorf("--quiet, but %q", w.err.String())
	}
}

func TestFaultThatMakesNoSenseIsNotAskedFor(t *testing.T) {
	shop := &faultyShop{}
	w := newWorld(t).serve(shop)
	for _, args := range [][]string{
		{"fault", "inject"},
		{"fault", "inject", "payment", "cart"},
		{"fault", "inject", "payment", "--percent", "0"},
		{"fault", "inject", "payment", "--delay", "0s"},
		{"fault", "inject", "payment", "--delay", "-1s"},
		{"fault", "inject", "payment", "--delay", "soon"},
		{"fault", "inject", "payment", "--for", "0s"},
		{"fault", "inject", "payment", "--error", ""},
		{"fault", "injct", "payment"},
		{"fault", "clear"},
		{"fault", "clear", "payment", "--all"},
		{"fault", "list", "payment"},
	} {
		w.want(exitUsage, args...)
		w.wantErr("shopctl: error: ", "shopctl: hint: ")
	}
	if len(shop.injects)+len(shop.clears) > 0 {
		t.Errorf("asked for %v, %v", shop.injects, shop.clears)
	}
}

func TestRefusalOfTheDaemonComesWithItsHint(t *testing.T) {
	shop := &faultyShop{}
	shop.fail = control.Error(codes.InvalidArgument, `payment has no method "Chrage"`, "did you mean Charge?", exitUsage)
	w := newWorld(t).serve(shop)
	w.want(exitUsage, "fault", "inject", "payment", "--method", "Chrage")
	w.wantErr(`error: payment has no method "Chrage"`, "hint: did you mean Charge?")
}

func TestFaultsAreListedAndCleared(t *testing.T) {
	shop := &faultyShop{faults: []*controlpb.Fault{
		{Id: "f1", Service: "payment", Phrase: "UNAVAILABLE 50% Charge, 1m59s left", Error: "UNAVAILABLE", Percent: 50, Ends: timestamppb.New(testNow().Add(119 * time.Second)), Owner: "cli"},
		{Id: "f2", Service: "cart", Phrase: "paused", Pause: true},
	}}
	w := newWorld(t).serve(shop)
	w.want(exitOK, "fault", "list")
	w.wantOut("ID   SERVICE   FAULT ", "f1   payment   UNAVAILABLE 50% Charge, 1m59s left   in 1m59s       cli\n", "f2   cart      paused                               when cleared   -\n")
	w.want(exitOK, "fault", "list", "-o", "name")
	if w.out.String() != "f1\nf2\n" {
		t.Errorf("printed %q", w.out.String())
	}
	w.want(exitOK, "__complete", "fault", "clear", "")
	w.wantOut("payment\tUNAVAILABLE 50% Charge, 1m59s left\n", "cart\tpaused\n")
	w.want(exitOK, "fault", "clear", "payment", "f2")
	w.wantOut("cleared f1 on payment: UNAVAILABLE 50% Charge, 1m59s left\n")
	w.want(exitOK, "fault", "clear", "--all")
	want := []*controlpb.ClearFaultsRequest{{Services: []string{"payment"}, Ids: []string{"f2"}}, {}}
	if d := cmp.Diff(want, shop.clears, protocmp.Transform()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestNothingBrokenIsSaidAndNoError(t *testing.T) {
	w := newWorld(t).serve(&faultyShop{})
	w.want(exitOK, "fault", "list")
	w.wantErr("nothing is broken", "next: shopctl fault inject")
	w.want(exitOK, "fault", "clear", "payment")
	w.wantErr("no fault to clear")
	w.want(exitOK, "fault", "list", "-o", "json")
	w.wantOut(`"faults": []`)
}

func TestFaultsNeedTheShop(t *testing.T) {
	w := newWorld(t)
	for _, args := range [][]string{{"fault", "inject", "payment"}, {"fault", "list"}, {"fault", "clear", "--all"}} {
		w.want(exitNotRunning, args...)
		w.wantErr("hint: shopctl up")
	}
}

func TestFaultFlagsCompleteWithTheShopDown(t *testing.T) {
	w := newWorld(t)
	w.want(exitOK, "__complete", "fault", "inject", "")
	w.wantOut("payment\n")
	w.want(exitOK, "__complete", "fault", "inject", "payment", "--error", "")
	w.wantOut("UNAVAILABLE\n", "DEADLINE_EXCEEDED\n")
	w.want(exitOK, "__complete", "fault", "inject", "payment", "--method", "")
	w.wantOut("Charge\t")
}
