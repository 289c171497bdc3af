package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/chassis/bus/bustest"
	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

// patience is for a busy machine.
const patience = 2 * time.Minute

func event(order string, n int, kind string) shopevent.Event {
	return shopevent.Event{
		SpecVersion: "1.0", ID: order + "-" + strconv.Itoa(n), Source: shopevent.Source, Type: kind, Subject: order, Time: time.Now().UTC(),
		DataContentType: "application/json", Sequence: strconv.Itoa(n), Data: []byte(`{"order_id":"` + order + `"}`),
	}
}

func connect(t *testing.T, url string, cfg bus.Config) *bus.Bus {
	t.Helper()
	cfg.URL, cfg.Name = url, t.Name()
	b, err := bus.Connect(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func publish(t *testing.T, b *bus.Bus, events ...shopevent.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if stored, err := b.Publish(ctx, events); err != nil || stored != len(events) {
		t.Fatalf("%d of %d events stored: %v", stored, len(events), err)
	}
}

// seen records what a consumer was given.
type seen struct {
	mu  sync.Mutex
	all []string
}

func (s *seen) add(e shopevent.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, e.ID)
}

func (s *seen) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

func (s *seen) count(id string) (n int) {
	for _, got := range s.list() {
		if got == id {
			n++
		}
	}
	return n
}

// consume runs a consumer until the function that it returns is called.
func consume(t *testing.T, b *bus.Bus, c bus.Consumer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.Consume(ctx, c); err != nil {
			t.Errorf("consume: %v", err)
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func wait(t *testing.T, what string, ready func() bool) {
	t.Helper()
	if !eventually.Within(patience, ready) {
		t.Fatalf("not within %v: %s", patience, what)
	}
}

func deadLetters(t *testing.T, b *bus.Bus) []bus.DeadLetter {
	t.Helper()
	letters, err := b.DeadLetters(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return letters
}

func TestEventsOfAnOrderArriveInOrderAndAreStoredOnce(t *testing.T) {
	b := connect(t, bustest.Start(t).URL(), bus.Config{})
	var events []shopevent.Event
	for n := range 3 {
		for order := range 20 {
			events = append(events, event(fmt.Sprint("order", order), n+1, shopevent.Types()[n]))
		}
	}
	publish(t, b, events...)
	publish(t, b, events[10:50]...) // by a relay that lost the response
	var got seen
	consume(t, b, bus.Consumer{Name: "all", Handle: func(_ context.Context, e shopevent.Event) error { got.add(e); return nil }})
	wait(t, "60 events", func() bool { return len(got.list()) >= len(events) })
	for i, id := range got.list() {
		if id != events[i].ID {
			t.Fatalf("event %d is %s, want %s", i, id, events[i].ID)
		}
	}
	topics, err := b.Topics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		if sent := slices.Contains(shopevent.Types()[:3], topic.Type); sent != (topic.Messages == 20) || sent == topic.Last.IsZero() {
			t.Errorf("topic %+v", topic)
		}
	}
}

func TestAConsumerReceivesOnlyItsTypes(t *testing.T) {
	b := connect(t, bustest.Start(t).URL(), bus.Config{})
	publish(t, b, event("a", 1, shopevent.PaymentCharged), event("a", 2, shopevent.OrderShipped), event("a", 3, shopevent.OrderPlaced))
	var got seen
	consume(t, b, bus.Consumer{Name: "mail", Types: []string{shopevent.OrderPlaced}, Handle: func(_ context.Context, e shopevent.Event) error { got.add(e); return nil }})
	wait(t, "the order that was placed", func() bool { return len(got.list()) > 0 })
	if list := got.list(); !slices.Equal(list, []string{"a-3"}) {
		t.Errorf("received %v", list)
	}
}

func TestAnEventThatAlwaysFailsIsSetAsideAndCanBeSentAgain(t *testing.T) {
	url := bustest.Start(t).URL()
	b := connect(t, url, bus.Config{})
	var got, other seen
	broken := make(chan struct{})
	consume(t, b, bus.Consumer{Name: "fragile", Handle: func(_ context.Context, e shopevent.Event) error {
		got.add(e)
		select {
		case <-broken:
			return nil
		default:
		}
		if e.ID == "b-1" {
			return errors.New("cannot pack\nthis")
		}
		return nil
	}})
	consume(t, b, bus.Consumer{Name: "other", Handle: func(_ context.Context, e shopevent.Event) error { other.add(e); return nil }})
	publish(t, b, event("a", 1, shopevent.OrderPlaced), event("b", 1, shopevent.OrderPlaced), event("c", 1, shopevent.OrderPlaced))
	wait(t, "the event behind the one that fails", func() bool { return got.count("c-1") == 1 })
	if n := got.count("b-1"); n != bus.Attempts {
		t.Errorf("delivered %d times, want %d", n, bus.Attempts)
	}
	wait(t, "a dead letter", func() bool { return len(deadLetters(t, b)) == 1 })
	letter := deadLetters(t, b)[0]
	if letter.Consumer != "fragile" || letter.Reason != "cannot pack this" || letter.Attempts != bus.Attempts || !strings.Contains(string(letter.Message), `"b-1"`) {
		t.Errorf("dead letter %+v: %s", letter, letter.Message)
	}
	close(broken)
	if err := b.Redrive(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	wait(t, "the event once more", func() bool { return got.count("b-1") == bus.Attempts+1 })
	publish(t, b, event("d", 1, shopevent.OrderPlaced))
	wait(t, "the last event", func() bool { return other.count("d-1") == 1 })
	if n := other.count("b-1"); n != 1 {
		t.Errorf("the other consumer got it %d times, want 1", n)
	}
	if left := deadLetters(t, b); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
	if err := b.Discard(t.Context(), letter.Seq); !errors.Is(err, bus.ErrNoDeadLetter) {
		t.Errorf("discard it afterwards: %v", err)
	}
}

func TestWhatIsNoEventIsSetAsideAtOnce(t *testing.T) {
	url := bustest.Start(t).URL()
	b := connect(t, url, bus.Config{})
	var got seen
	consume(t, b, bus.Consumer{Name: "reader", Handle: func(_ context.Context, e shopevent.Event) error { got.add(e); return nil }})
	wait(t, "the consumer", func() bool {
		all, err := b.Consumers(t.Context())
		return err == nil && len(all) == 1 && all[0].Listening > 0
	})
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, payload := range []string{"", "{", `"text"`, `{"specversion":"0.3","id":"1","source":"/","type":"OrderPlaced","subject":"x"}`, strings.Repeat("x", shopevent.MaxBytes+1)} {
		if err := conn.Publish(shopevent.SubjectPrefix+shopevent.OrderPlaced, []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	publish(t, b, event("a", 1, shopevent.OrderPlaced))
	wait(t, "the event behind them", func() bool { return got.count("a-1") == 1 })
	wait(t, "five dead letters", func() bool { return len(deadLetters(t, b)) == 5 })
	for _, letter := range deadLetters(t, b) {
		if letter.Attempts != 1 || !strings.HasPrefix(letter.Reason, "read event: ") {
			t.Errorf("dead letter %+v", letter)
		}
	}
}

func TestAConsumerThatPanicsLosesTheEventAndNotItsProcess(t *testing.T) {
	b := connect(t, bustest.Start(t).URL(), bus.Config{})
	var got seen
	consume(t, b, bus.Consumer{Name: "jumpy", Handle: func(_ context.Context, e shopevent.Event) error {
		got.add(e)
		if e.ID == "a-1" {
			_ = []string{}[len(e.ID)]
		}
		return nil
	}})
	publish(t, b, event("a", 1, shopevent.OrderPlaced), event("b", 1, shopevent.OrderPlaced))
	wait(t, "the second event", func() bool { return got.count("b-1") == 1 })
	wait(t, "a dead letter", func() bool { return len(deadLetters(t, b)) == 1 })
}

func TestAnEventThatWaitsForADatabaseIsNeverGivenUp(t *testing.T) {
	b := connect(t, bustest.Start(t).URL(), bus.Config{})
	var got seen
	consume(t, b, bus.Consumer{Name: "patient", Handle: func(_ context.Context, e shopevent.Event) error {
		got.add(e)
		if got.count(e.ID) <= bus.Attempts+1 {
			return bus.Wait(errors.New("the database is away"))
		}
		return nil
	}})
	publish(t, b, event("a", 1, shopevent.OrderPlaced), event("b", 1, shopevent.OrderPlaced))
	wait(t, "the second event", func() bool { return got.count("b-1") > 0 })
	if n := got.count("a-1"); n != bus.Attempts+2 {
		t.Errorf("handled %d times, want %d", n, bus.Attempts+2)
	}
	if letters := deadLetters(t, b); len(letters) != 0 {
		t.Errorf("dead letters: %+v", letters)
	}
}

func TestAConsumerThatWasAwayGetsAllItMissedAndEachOnce(t *testing.T) {
	const many = 20_000
	b := connect(t, bustest.Start(t).URL(), bus.Config{})
	store, err := durable.Open(durable.Config{Dir: t.TempDir(), Name: "inbox", Now: time.Now, Tables: durable.Tables{
		Content: "events", Version: 1, Schema: []string{bus.InboxSchema, "CREATE TABLE IF NOT EXISTS sum (n INTEGER NOT NULL)"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	handled := 0
	var mu sync.Mutex
	stop := consume(t, b, bus.Consumer{Name: "away", Handle: func(context.Context, shopevent.Event) error { return nil }})
	publish(t, b, event("first", 1, shopevent.OrderPlaced))
	wait(t, "the first event", func() bool {
		all, err := b.Consumers(t.Context())
		return err == nil && len(all) == 1 && all[0].AnsweredThrough == 1
	})
	stop()
	events := make([]shopevent.Event, many)
	for i := range events {
		events[i] = event(fmt.Sprint("o", i), 1, shopevent.OrderPlaced)
	}
	for batch := range slices.Chunk(events, 500) {
		publish(t, b, batch...)
	}
	consume(t, b, bus.Consumer{Name: "away", Handle: func(_ context.Context, e shopevent.Event) error {
		return store.Update(func(tx durable.Tx) error {
			first, err := bus.First(tx, e)
			if err == nil && first {
				mu.Lock()
				handled++
				mu.Unlock()
			}
			return err
		})
	}})
	count := func() int { mu.Lock(); defer mu.Unlock(); return handled }
	wait(t, "all events", func() bool { return count() >= many })
	if err := b.Replay(t.Context(), "away", many-99); err != nil { // the last 101 once more
		t.Fatal(err)
	}
	wait(t, "the end of the replay", func() bool {
		all, err := b.Consumers(t.Context())
		return err == nil && all[0].AnsweredThrough == many+1 && all[0].Waiting == 0
	})
	if n := count(); n != many {
		t.Errorf("%d events had an effect, want %d", n, many)
	}
}

func TestAServerThatIsGoneIsWaitedFor(t *testing.T) {
	server := bustest.Start(t)
	b := connect(t, server.URL(), bus.Config{})
	var got seen
	consume(t, b, bus.Consumer{Name: "waiting", Handle: func(_ context.Context, e shopevent.Event) error { got.add(e); return nil }})
	publish(t, b, event("a", 1, shopevent.OrderPlaced))
	wait(t, "the first event", func() bool { return got.count("a-1") == 1 })
	server.Stop()
	wait(t, "a lost connection", func() bool { return !b.Connected() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if stored, err := b.Publish(ctx, []shopevent.Event{event("b", 1, shopevent.OrderPlaced)}); err == nil || stored != 0 {
		t.Fatalf("%d stored without a server", stored)
	}
	server.Resume()
	wait(t, "the connection", func() bool {
		stored, err := b.Publish(ctx, []shopevent.Event{event("b", 1, shopevent.OrderPlaced)})
		return err == nil && stored == 1
	})
	wait(t, "the second event", func() bool { return got.count("b-1") >= 1 })
}

func TestAConnectionThatIsNeededNowSaysWhyThereIsNone(t *testing.T) {
	server := bustest.Start(t)
	url := server.URL()
	server.Stop()
	if _, err := bus.Connect(bus.Config{URL: url, Now: true}); err == nil || !strings.Contains(err.Error(), "connect to the bus") {
		t.Errorf("connected to nothing: %v", err)
	}
	b := connect(t, url, bus.Config{}) // it waits
	server.Resume()
	wait(t, "the connection", b.Connected)
}
