package email

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/chassis/bus/bustest"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// placedEvent is the event of an order that is placed.
func placedEvent(t *testing.T, id, to string) shopevent.Event {
	t.Helper()
	result, err := protojson.Marshal(anOrder(id))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(shopevent.Order{OrderID: id, Email: to, Result: result})
	if err != nil {
		t.Fatal(err)
	}
	return shopevent.Event{
		SpecVersion: "1.0", ID: id + "-3", Source: shopevent.Source, Type: shopevent.OrderPlaced, Subject: id, Time: time.Now().UTC(), Sequence: "3", Data: data,
	}
}

func TestAnOrderHasOneMailHoweverOftenItIsReported(t *testing.T) {
	url := bustest.Start(t).URL()
	b, err := bus.Connect(bus.Config{URL: url, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s := chassistest.Start(t, Setup, map[string]string{"NATS_URL": url, "DATA_DIR": t.TempDir()}, chassistest.WithName("email"))
	client, mails := hipstershop.NewEmailServiceClient(s.Conn()), shopv1.NewOutboxClient(s.Conn())
	of := func() (orders []string) {
		resp, err := mails.ListMails(t.Context(), &shopv1.ListMailsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range resp.GetMails() {
			orders = append(orders, m.GetOrderId()+" to "+m.GetTo())
		}
		return orders
	}
	if _, err := client.SendOrderConfirmation(t.Context(), confirm("called")); err != nil {
		t.Fatal(err)
	}
	events := []shopevent.Event{placedEvent(t, "called", "someone@example.com"), placedEvent(t, "A", "a@example.com"), placedEvent(t, "bad", "no address"), placedEvent(t, "B", "b@example.com")}
	if _, err := b.Publish(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	const want = "[B to b@example.com A to a@example.com called to someone@example.com]"
	eventually.True(t, "the mails are written", func() bool { return fmt.Sprint(of()) == want })
	if err := b.Replay(t.Context(), "email", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := client.SendOrderConfirmation(t.Context(), confirm("A")); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "all were delivered again", func() bool {
		all, err := b.Consumers(t.Context())
		return err == nil && all[0].Waiting == 0 && all[0].Working == 0 && all[0].DeadLetters == 2
	})
	if got := fmt.Sprint(of()); got != want {
		t.Errorf("mails %s", got)
	}
	letters, err := b.DeadLetters(t.Context(), 10)
	if err != nil || len(letters) != 2 || !strings.Contains(letters[0].Reason, "email is not an address") {
		t.Errorf("dead letters %v, %v", letters, err)
	}
}
