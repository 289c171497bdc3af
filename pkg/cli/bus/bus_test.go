package bus_test

import (
	"context"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/chassis/bus/bustest"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

// checkout is its Deployment, with a bus at a URL, or none.
func checkout(url string) *controlpb.Object {
	env := []any{map[string]any{"name": "PORT", "value": "5050"}}
	if url != "" {
		env = append(env, map[string]any{"name": "NATS_URL", "value": url})
	}
	return clitest.Object("apps/v1", "Deployment", "checkoutservice", map[string]any{"spec": map[string]any{"template": map[string]any{
		"spec": map[string]any{"containers": []any{map[string]any{"name": "server", "env": env}}},
	}}})
}

// serve is a shop whose checkout uses the bus at a URL.
func serve(t *testing.T, url string) (*clitest.World, *clitest.FakeShop) {
	t.Helper()
	st := clitest.ThreeServices()
	st.Services = append(st.Services, &controlpb.Service{Name: "checkout", Workload: "checkoutservice", Namespace: "production", State: "ok"})
	shop := &clitest.FakeShop{Current: st, Objects: []*controlpb.Object{checkout(url)}}
	return clitest.NewWorld(t).Serve(shop), shop
}

// refuse consumes events, and gives each up.
func refuse(t *testing.T, url string) {
	t.Helper()
	b, err := bus.Connect(bus.Config{URL: url, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.Consume(ctx, bus.Consumer{Name: "strict", Handle: func(_ context.Context, e shopevent.Event) error {
			return bus.Refuse(errText("will not: " + e.Subject))
		}})
	}()
	t.Cleanup(func() { cancel(); <-done; b.Close() })
}

type errText string

func (e errText) Error() string { return string(e) }

func TestEventsAreSentShownAndSettled(t *testing.T) {
	url := bustest.Start(t).URL()
	w, _ := serve(t, url)
	w.Want(cmdutil.ExitOK, "bus", "publish", "OrderPlaced", "--order", "a", "--id", "a-1", "--data", `{"order_id":"a","total":"3.00 EUR"}`)
	w.WantOut("1 of OrderPlaced stored, id a-1")
	w.Want(cmdutil.ExitOK, "bus", "publish", "OrderShipped", "--order", "b", "--sequence", "2", "--count", "2", "-o", "json")
	w.WantOut(`"events": 2`, `"type": "OrderShipped"`)
	w.Want(cmdutil.ExitOK, "bus", "topics")
	w.WantOut("TYPE", "OrderPlaced       1", "OrderShipped      2", "PaymentRefunded   0")
	w.Want(cmdutil.ExitOK, "bus", "tail")
	w.WantOut("OrderPlaced", "a  #1  3.00 EUR", "b-1  #2", "b-2  #2")
	w.Want(cmdutil.ExitOK, "bus", "tail", "OrderPlaced", "-o", "json")
	w.WantOut(`"seq":1`, `"specversion":"1.0"`, `"id":"a-1"`, `"subject":"a"`)
	w.Want(cmdutil.ExitOK, "bus", "consumers")
	refuse(t, url)
	await(t, w, "strict", "bus", "consumers")
	await(t, w, "will not: b-2", "bus", "dead-letters", "list")
	w.WantOut("ID", "CONSUMER", "strict", "OrderPlaced", "will not: a", "will not: b-1")
	w.Want(cmdutil.ExitOK, "bus", "dead-letters", "discard", "2", "3")
	w.WantOut("2 discarded")
	w.Want(cmdutil.ExitOK, "bus", "dead-letters", "redrive", "--all", "-o", "json")
	w.WantOut(`"consumer": "strict"`, `"reason": "will not: a"`)
	await(t, w, "4    strict", "bus", "dead-letters", "list")
	w.Want(cmdutil.ExitOK, "bus", "replay", "strict", "--from", "2")
	w.WantOut("strict gets events again from 2 on")
	await(t, w, "6    strict", "bus", "dead-letters", "list")
}

// await repeats a command until it prints a text.
func await(t *testing.T, w *clitest.World, text string, args ...string) {
	t.Helper()
	for range 2000 {
		w.Want(cmdutil.ExitOK, args...)
		if strings.Contains(w.Out.String(), text) {
			return
		}
	}
	t.Fatalf("%v does not print %q:\n%s", args, text, w.Out.String())
}

func TestForeignTextOnTheBusDoesNotActOnTheTerminal(t *testing.T) {
	url := bustest.Start(t).URL()
	w, _ := serve(t, url)
	refuse(t, url)
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	await(t, w, "strict", "bus", "consumers")
	for _, payload := range []string{
		clitest.Hostile, `{"specversion":"1.0","id":"1","source":"/","type":"X","subject":"s\u202e","data":"\u001b[2J\n\u202e"}`,
		`{"specversion":"1.0","id":"2","source":"/","type":"X","subject":"o","data":{"order_id":"o","reason":"\u001b]0;t\u0007\nshopctl: error: forged"}}`,
	} {
		if err := conn.Publish("shop.event.X", []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	await(t, w, "3    strict", "bus", "dead-letters", "list")
	for _, line := range []string{"bus dead-letters list", "bus tail", "bus tail -o json", "bus topics", "bus consumers", "bus dead-letters list -o json"} {
		w.Want(cmdutil.ExitOK, strings.Fields(line)...)
		for _, r := range w.Out.String() {
			if r < ' ' && r != '\n' || r == 0x7f || r == '\u202e' || r == '\u009b' {
				t.Errorf("%s printed %U: %q", line, r, w.Out.String())
				break
			}
		}
		if strings.Contains(w.Out.String(), "\nshopctl: error: forged") {
			t.Errorf("%s printed a forged line", line)
		}
	}
}

func TestWithoutABusACommandSaysHowToStartOne(t *testing.T) {
	w, _ := serve(t, "")
	for _, line := range []string{"bus topics", "bus consumers", "bus tail", "bus publish X --order y", "bus replay z", "bus dead-letters list"} {
		w.Want(cmdutil.ExitFailed, strings.Fields(line)...)
		w.WantErr("this shop has no bus", "shopctl: hint: shopctl bus start")
	}
	gone := bustest.Start(t)
	url := gone.URL()
	gone.Stop()
	w, _ = serve(t, url)
	w.Want(cmdutil.ExitFailed, "bus", "topics")
	w.WantErr("connect to the bus", "shopctl: hint: shopctl status")
}

func TestWrongArgumentsAreRefusedByName(t *testing.T) {
	w, _ := serve(t, bustest.Start(t).URL())
	for line, want := range map[string]string{
		"bus publish Order.Placed --order x":         `type "Order.Placed" is not a word`,
		"bus publish OrderPlaced":                    "the order's id is missing",
		"bus publish OrderPlaced --order x --data {": "data is not JSON",
		"bus publish X --order x --id y --count 2":   "--id is for one event",
		"bus tail a.b":                     `type "a.b" is not a word`,
		"bus replay nobody":                "replay to nobody: no such consumer",
		"bus replay x --from 3 --since 1m": "--from and --since say the same",
		"bus dead-letters redrive":         "name dead letters, or --all",
		"bus dead-letters redrive 1 --all": "name dead letters, or --all",
		"bus dead-letters redrive one":     `read "one"`,
		"bus dead-letters discard 7":       "dead letter 7: no such dead letter",
		"bus start warehous":               `unknown consumer "warehous"`,
		"bus start --url http://x":         "read --url: want the address of a NATS server",
	} {
		w.Want(cmdutil.ExitUsage, strings.Fields(line)...)
		w.WantErr(want, "shopctl: hint: ")
	}
}

func TestTheBusIsStartedWithWhatSubscribes(t *testing.T) {
	w, shop := serve(t, "")
	w.Want(cmdutil.ExitOK, "bus", "start", "warehouse")
	if len(shop.Applies) != 1 || len(shop.Applies[0].GetFiles()) != 2 || len(shop.Edits) != 2 {
		t.Fatalf("applied %v, edited %v", shop.Applies, shop.Edits)
	}
	for i, service := range []string{"warehouse", "checkout"} {
		if edit := shop.Edits[i]; strings.Join(edit.GetServices(), " ") != service || edit.GetSetEnv().GetSet()["NATS_URL"] != "nats://nats:4222" || edit.GetSetEnv().GetSet()["CONFIRM_BY"] != "" {
			t.Errorf("edited %v", edit)
		}
	}
	w.Want(cmdutil.ExitOK, "bus", "start", "warehouse", "--url", "nats://a:4222,nats://b:4222")
	if files := shop.Applies[1].GetFiles(); len(files) != 1 || files[0].GetName() != "warehouse/manifest.yaml" || shop.Edits[3].GetSetEnv().GetSet()["NATS_URL"] != "nats://a:4222,nats://b:4222" {
		t.Errorf("applied %v, edited %v", files, shop.Edits[3])
	}
	w.Want(cmdutil.ExitOK, "bus", "start")
	if all := shop.Edits[4].GetServices(); strings.Join(all, " ") != "email warehouse" || shop.Edits[5].GetSetEnv().GetSet()["CONFIRM_BY"] != "events" {
		t.Errorf("edited %v, %v", all, shop.Edits[5])
	}
	shop.Objects[0] = checkout("nats://nats:4222")
	w.Want(cmdutil.ExitOK, "bus", "stop")
	if got := shop.Edits[6]; got.GetSetEnv().GetUnset()[0] != "NATS_URL" || strings.Join(got.GetServices(), " ") != "checkout" {
		t.Errorf("edited %v", got)
	}
	shop.Objects = append(shop.Objects, clitest.Deployment("monolith", 1, 1))
	w.Want(cmdutil.ExitFailed, "bus", "start")
	w.WantErr("the modules of a monolith call each other")
}
