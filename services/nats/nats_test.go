package nats_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
	"github.com/shopctl/shopctl/services/nats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, addr string) *bus.Bus {
	t.Helper()
	b, err := bus.Connect(bus.Config{URL: "nats://" + addr, Name: "test", Now: true})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func send(t *testing.T, b *bus.Bus, from, to int) {
	t.Helper()
	var events []shopevent.Event
	for n := from; n <= to; n++ {
		events = append(events, shopevent.Event{
			SpecVersion: "1.0", ID: fmt.Sprint(n), Source: shopevent.Source, Type: shopevent.OrderPlaced, Subject: "order", Time: time.Now(), Data: []byte("{}"),
		})
	}
	if stored, err := b.Publish(t.Context(), events); err != nil {
		t.Fatalf("%d stored: %v", stored, err)
	}
}

func TestEventsOutliveTheProcessOfTheBus(t *testing.T) {
	for _, sync := range []string{"", "always", "1s"} {
		env := map[string]string{"DATA_DIR": filepath.Join(t.TempDir(), "data"), "NATS_SYNC": sync}
		first := chassistest.Start(t, nats.Setup, env, chassistest.WithName("nats"))
		b := connect(t, first.Addr)
		send(t, b, 1, 5)
		b.Close()
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
		second := chassistest.Start(t, nats.Setup, env, chassistest.WithName("nats"))
		b = connect(t, second.Addr)
		send(t, b, 4, 6) // two of them once more
		var got []string
		err := b.Tail(t.Context(), nil, 100, false, func(s bus.Stored) error {
			e, err := shopevent.Decode(s.Payload)
			got = append(got, e.ID)
			return err
		})
		b.Close()
		if err != nil || strings.Join(got, " ") != "1 2 3 4 5 6" {
			t.Errorf("NATS_SYNC=%q: events %v, %v", sync, got, err)
		}
	}
}

func TestABusWithoutADirectoryForgetsAndLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	s := chassistest.Start(t, nats.Setup, nil, chassistest.WithName("nats"))
	b := connect(t, s.Addr)
	send(t, b, 1, 1)
	b.Close()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestABusThatCannotStartSaysWhy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []struct {
		env  map[string]string
		want []string
	}{
		{map[string]string{"NATS_SYNC": "sometimes"}, []string{`NATS_SYNC="sometimes"`, `"always"`, "10s"}},
		{map[string]string{"NATS_SYNC": "-1s"}, []string{`NATS_SYNC="-1s"`}},
		{map[string]string{"DATA_DIR": file}, []string{"start the bus over " + file, "move it away"}},
	} {
		err := chassis.Run(context.Background(), chassis.Options{Name: "nats", Workload: "nats", Getenv: func(key string) string { return wrong.env[key] }, Stdout: io.Discard}, nats.Setup)
		for _, want := range wrong.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: got %v, want %s", wrong.env, err, want)
			}
		}
	}
}
