package saga_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/saga"
	"github.com/shopctl/shopctl/pkg/court"
)

func TestTheMatrixNamesOrderAndTraceOfWhatIsWrong(t *testing.T) {
	arrived := court.Row{Victim: "payment", Step: court.Charge, When: court.Arrived}
	v := &court.Verdict{Amount: "29.12 CHF", Took: 12 * time.Second, Silent: true, Cells: []court.Cell{
		{Row: court.Row{Step: court.Charge}, Column: court.Twice, Reached: true, Trace: "t1", Facts: court.Facts{Order: "o1"}},
		{Row: arrived, Column: court.Once, Reached: true, Trace: "t2", Facts: court.Facts{Order: "o2", Charged: []string{"29.12 CHF"}}, Wrong: "charged 29.12 CHF and not shipped: the money is lost"},
		{Row: arrived, Column: court.Late, Trace: "t3"},
	}}
	var out, err bytes.Buffer
	ios := iostreams.New(nil, &out, &err)
	ios.ShopName = iostreams.DefaultShop
	saga.Draw(ios, "mine", v)
	clitest.WantEqual(t, out.String(), `KILLED    STEP     WHEN      ONCE    TWICE   LATE   REPLY LOST
-         charge                     ok
payment   charge   arrived   WRONG           -

CELL                                   ORDER   TRACE   RESULT
payment killed, charge arrived, once   o2      t2      charged 29.12 CHF and not shipped: the money is lost

3 orders of 29.12 CHF each in 12s: 1 wrong; 1 did not reach their point
`)
	clitest.WantEqual(t, err.String(), `next: shopctl trace show t2
next: shopctl order show o2
mine has no points inside that are known here: its own commits were not tried
mine does not serve shopctl.shop.v1.Orders: an order has ended when nothing more is heard of it
`)
	var json bytes.Buffer
	ios.Out = iostreams.New(nil, &json, nil).Out
	if err := ios.Print(iostreams.FormatJSON, saga.ViewOf("mine", v), nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"wrong": 1`, `"not_reached": 1`, `"orders": 3`, `"result": "not reached"`, `"order_id": "o2"`, `"trace_id": "t2"`} {
		if !strings.Contains(json.String(), want) {
			t.Errorf("the JSON misses %s:\n%s", want, json.String())
		}
	}
}

func TestATrialNeedsAShopThatHasTheService(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitNotRunning, "saga", "prove")
	w.Serve(&clitest.FakeShop{Current: clitest.ThreeServices()})
	w.Want(cmdutil.ExitUsage, "saga", "prove", "--service", "nobody")
	w.WantErr("nobody")
	w.Want(cmdutil.ExitUsage, "saga", "prove", "--within", "0s")
	w.Want(cmdutil.ExitFailed, "saga", "prove", "--service", "payment")
	w.WantErr("no verdict")
}
