package fault_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/fault"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestFaultIsInjectedAsTheFlagsSay(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want *controlpb.InjectFaultRequest
	}{
		"error":  {[]string{"--error", "unavailable", "--percent", "50"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Error: "unavailable", Percent: 50}}},
		"delay":  {[]string{"--delay", "500ms", "--method", "Charge", "--for", "2m"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Delay: durationpb.New(500 * time.Millisecond), Method: "Charge"}, For: durationpb.New(2 * time.Minute)}},
		"crash":  {[]string{"--crash"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Crash: true}}},
		"kill":   {[]string{"--kill-sidecar", "--one"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{KillSidecar: true, Single: true}}},
		"from":   {[]string{"--from", "checkout", "--header", "x-user=alice", "--error", "INTERNAL"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{From: "checkout", Headers: []string{"x-user=alice"}, Error: "INTERNAL"}}},
		"client": {[]string{"--where", "client"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Where: "client", Error: "UNAVAILABLE"}}},
		"drop":   {[]string{"--drop", "12.5%"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Drop: 12.5}}},
		"rate":   {[]string{"--bandwidth", "64KB/s", "--from", "checkout"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Bandwidth: 64000, From: "checkout"}}},
		"binary": {[]string{"--bandwidth", "1MiB"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Bandwidth: 1 << 20}}},
		"pause":  {[]string{"--pause", "--for", "10s"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Pause: true}, For: durationpb.New(10 * time.Second)}},
		"bare":   {nil, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Error: "UNAVAILABLE"}}},
		"method": {[]string{"--method", "Charge"}, &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Error: "UNAVAILABLE", Method: "Charge"}}},
	} {
		t.Run(name, func(t *testing.T) {
			shop := &clitest.FaultyShop{}
			w := clitest.NewWorld(t).Serve(shop)
			w.Want(cmdutil.ExitOK, append([]string{"fault", "inject", "payment"}, c.args...)...)
			c.want.Fault.Service, c.want.Fault.Owner = "payment", "cli"
			c.want.Fault.Id, c.want.Fault.Phrase, c.want.Fault.Injected = "f1", "UNAVAILABLE 50% Charge, 2m left", timestamppb.New(clitest.TestNow())
			if c.want.For != nil {
				c.want.Fault.Ends = timestamppb.New(clitest.TestNow().Add(c.want.For.AsDuration()))
			}
			if d := cmp.Diff(c.want, shop.Injects[0], protocmp.Transform()); d != "" {
				t.Errorf("request (-want +got):\n%s", d)
			}
		})
	}
}

func TestInjectSaysWhatIsBrokenUntilWhenAndHowToUndoIt(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FaultyShop{})
	w.Want(cmdutil.ExitOK, "fault", "inject", "payment", "--error", "UNAVAILABLE", "--for", "2m")
	if w.Out.String() != "fault on payment: UNAVAILABLE 50% Charge, 2m left\n" {
		t.Errorf("printed %q", w.Out.String())
	}
	w.WantErr("ends in 2m0s\n", "next: shopctl fault clear payment\n")
	w.Want(cmdutil.ExitOK, "fault", "inject", "payment")
	w.WantErr("calls fail with UNAVAILABLE", "ends when cleared\n")
	w.Want(cmdutil.ExitOK, "fault", "inject", "payment", "--crash")
	w.WantErr("next: shopctl ps --instances payment\n")
	w.Want(cmdutil.ExitOK, "fault", "inject", "payment", "-q", "-o", "json")
	var view fault.FaultsView
	if err := json.Unmarshal(w.Out.Bytes(), &view); err != nil || len(view.Faults) != 1 || view.Faults[0].Error != "UNAVAILABLE" {
		t.Errorf("%v in %s", err, w.Out.String())
	}
	if w.Err.String() != "" {
		t.Errorf("--quiet, but %q", w.Err.String())
	}
}

func TestAnImpossibleFaultIsNotRequested(t *testing.T) {
	shop := &clitest.FaultyShop{}
	w := clitest.NewWorld(t).Serve(shop)
	for _, args := range [][]string{
		{"fault", "inject"},
		{"fault", "inject", "payment", "cart"},
		{"fault", "inject", "payment", "--percent", "0"},
		{"fault", "inject", "payment", "--delay", "0s"},
		{"fault", "inject", "payment", "--delay", "-1s"},
		{"fault", "inject", "payment", "--delay", "soon"},
		{"fault", "inject", "payment", "--for", "0s"},
		{"fault", "inject", "payment", "--error", ""},
		{"fault", "inject", "payment", "--partition", "checkout,payment"},
		{"fault", "inject", "--partition", "checkout"},
		{"fault", "inject", "--partition", "checkout,payment", "--from", "cart"},
		{"fault", "inject", "payment", "--drop", "101"},
		{"fault", "inject", "payment", "--bandwidth", "fast"},
		{"fault", "injct", "payment"},
		{"fault", "clear"},
		{"fault", "clear", "payment", "--all"},
		{"fault", "list", "payment"},
	} {
		w.Want(cmdutil.ExitUsage, args...)
		w.WantErr("shopctl: error: ", "shopctl: hint: ")
	}
	if len(shop.Injects)+len(shop.Clears) > 0 {
		t.Errorf("asked for %v, %v", shop.Injects, shop.Clears)
	}
}

func TestRefusalOfTheDaemonComesWithItsHint(t *testing.T) {
	shop := &clitest.FaultyShop{}
	shop.Fail = control.Error(codes.InvalidArgument, `payment has no method "Chrage"`, "did you mean Charge?", cmdutil.ExitUsage)
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitUsage, "fault", "inject", "payment", "--method", "Chrage")
	w.WantErr(`error: payment has no method "Chrage"`, "hint: did you mean Charge?")
}

func TestFaultsAreListedAndCleared(t *testing.T) {
	shop := &clitest.FaultyShop{Faults: []*controlpb.Fault{
		{Id: "f1", Service: "payment", Phrase: "UNAVAILABLE 50% Charge, 1m59s left", Error: "UNAVAILABLE", Percent: 50, Ends: timestamppb.New(clitest.TestNow().Add(119 * time.Second)), Owner: "cli"},
		{Id: "f2", Service: "cart", Phrase: "paused", Pause: true},
	}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "fault", "list")
	w.WantOut("ID   SERVICE   FAULT ", "f1   payment   UNAVAILABLE 50% Charge, 1m59s left   in 1m59s       cli\n", "f2   cart      paused                               when cleared   -\n")
	w.Want(cmdutil.ExitOK, "fault", "list", "-o", "name")
	if w.Out.String() != "f1\nf2\n" {
		t.Errorf("printed %q", w.Out.String())
	}
	w.Want(cmdutil.ExitOK, "__complete", "fault", "clear", "")
	w.WantOut("payment\tUNAVAILABLE 50% Charge, 1m59s left\n", "cart\tpaused\n")
	w.Want(cmdutil.ExitOK, "fault", "clear", "payment", "f2")
	w.WantOut("cleared f1 on payment: UNAVAILABLE 50% Charge, 1m59s left\n")
	w.Want(cmdutil.ExitOK, "fault", "clear", "--all")
	want := []*controlpb.ClearFaultsRequest{{Services: []string{"payment"}, Ids: []string{"f2"}}, {}}
	if d := cmp.Diff(want, shop.Clears, protocmp.Transform()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestAPartitionNamesTwoServices(t *testing.T) {
	shop := &clitest.FaultyShop{}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "fault", "inject", "--partition", "checkout,payment")
	if f := shop.Injects[0].GetFault(); f.GetService() != "checkout" || f.GetFrom() != "payment" || !f.GetPartition() || f.GetError() != "" {
		t.Errorf("it asks for %v", f)
	}
	w = clitest.NewWorld(t)
	w.Want(cmdutil.ExitOK, "__complete", "fault", "inject", "--partition", "checkout,")
	w.WantOut("checkout,payment\n")
	w.Want(cmdutil.ExitOK, "__complete", "fault", "inject", "payment", "--from", "")
	w.WantOut("checkout\n")
	w.Want(cmdutil.ExitOK, "__complete", "fault", "inject", "payment", "--where", "")
	w.WantOut("client\t")
}

func TestTheEndOfAFaultIsRoundedAsItsPhraseIs(t *testing.T) {
	now := clitest.TestNow()
	for left, want := range map[time.Duration]string{118200 * time.Millisecond: "in 1m59s", 2 * time.Minute: "in 2m0s", time.Millisecond: "in 1.0s"} {
		if got := fault.FaultEnd(now, &controlpb.Fault{Ends: timestamppb.New(now.Add(left))}); got != want {
			t.Errorf("%s left: got %q, want %q", left, got, want)
		}
	}
}

func TestAnEmptyListOfFaultsIsReportedWithoutAnError(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FaultyShop{})
	w.Want(cmdutil.ExitOK, "fault", "list")
	w.WantErr("no active faults", "next: shopctl fault inject")
	w.Want(cmdutil.ExitOK, "fault", "clear", "payment")
	w.WantErr("no active faults")
	w.Want(cmdutil.ExitOK, "fault", "list", "-o", "json")
	w.WantOut(`"faults": []`)
}

func TestFaultsNeedTheShop(t *testing.T) {
	w := clitest.NewWorld(t)
	for _, args := range [][]string{{"fault", "inject", "payment"}, {"fault", "list"}, {"fault", "clear", "--all"}} {
		w.Want(cmdutil.ExitNotRunning, args...)
		w.WantErr("hint: shopctl up")
	}
}

func TestFaultFlagsCompleteWithTheShopDown(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitOK, "__complete", "fault", "inject", "")
	w.WantOut("payment\n")
	w.Want(cmdutil.ExitOK, "__complete", "fault", "inject", "payment", "--error", "")
	w.WantOut("UNAVAILABLE\n", "DEADLINE_EXCEEDED\n")
	w.Want(cmdutil.ExitOK, "__complete", "fault", "inject", "payment", "--method", "")
	w.WantOut("Charge\t")
}

func TestListedFaultsSayHowFarTheyReach(t *testing.T) {
	shop := &clitest.MappedShop{M: clitest.SmallMap()}
	shop.Faults = []*controlpb.Fault{{Id: "f1", Service: "payment", Phrase: "UNAVAILABLE 50%"}, {Id: "f2", Service: "cart", Phrase: "paused"}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "fault", "list")
	w.WantOut("\n\n" + clitest.BlastSentence + "\n")
	w.Want(cmdutil.ExitOK, "fault", "list", "-o", "json")
	var view fault.FaultsView
	if err := json.Unmarshal(w.Out.Bytes(), &view); err != nil || view.Faults[0].Blast != clitest.BlastSentence || view.Faults[1].Blast != "" {
		t.Errorf("%v in %s", err, w.Out.String())
	}
	shop.Fail = errors.New("no map")
	w.Want(cmdutil.ExitOK, "fault", "list")
	if strings.Contains(w.Out.String(), "->") {
		t.Errorf("printed %s", w.Out.String())
	}
}
