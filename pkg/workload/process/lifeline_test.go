package process

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/eventually"
)

// manyEndpoints is a message about n Services, each with some instances.
func manyEndpoints(n int) lifeline.Down {
	endpoints := map[string][]string{}
	for i := range n {
		for j := range 5 {
			addr := fmt.Sprintf("127.0.0.1:%d", 41000+i)
			endpoints[addr] = append(endpoints[addr], fmt.Sprintf("127.0.0.1:%d", 51000+i+j))
		}
	}
	return lifeline.Down{Endpoints: &endpoints}
}

func TestAMessageToAPausedInstanceArrivesWholeAfterThePause(t *testing.T) {
	c, log := start(t, newDriver(), echo())
	await(t, "listening", c.Listening())
	for round := range 20 {
		if err := c.Pause(); err != nil {
			t.Fatal(err)
		}
		status := []int{http.StatusServiceUnavailable, http.StatusTooManyRequests}[round%2]
		code := map[int]string{http.StatusServiceUnavailable: "UNAVAILABLE", http.StatusTooManyRequests: "RESOURCE_EXHAUSTED"}[status]
		sent := make(chan error, 1)
		var waited atomic.Bool
		waited.Store(round%3 != 0)
		go func() {
			var err error
			// Together more than a pipe takes, also of an instance that reads some of it before it stops.
			for i := 0; i < 10 || !waited.Load(); i++ {
				if e := c.Send(manyEndpoints(150)); e != nil {
					err = e
				}
			}
			faults := []lifeline.Fault{{ID: "f", Percent: 100, Code: code}}
			if e := c.Send(lifeline.Down{Faults: &faults}); e != nil {
				err = e
			}
			sent <- err
		}()
		if round%3 == 0 { // sometimes all of the message waits
			eventually.True(t, "a message waits", func() bool {
				free := c.sends.TryLock()
				if free {
					c.sends.Unlock()
				}
				return !free
			})
			waited.Store(true)
		}
		if err := c.Resume(); err != nil {
			t.Fatal(err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		eventually.True(t, "the last message takes effect", func() bool {
			res, err := http.Get("http://" + c.Addrs().App)
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			_ = res.Body.Close()
			return res.StatusCode == status
		})
	}
	if !c.running() {
		t.Errorf("the instance has ended: %s", log.all())
	}
}

func TestASendThatWaitsEndsWithTheInstance(t *testing.T) {
	c, _ := start(t, newDriver(), echo())
	await(t, "listening", c.Listening())
	if err := c.Pause(); err != nil {
		t.Fatal(err)
	}
	sent := make(chan error)
	go func() { sent <- c.Send(manyEndpoints(3000)) }()
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err == nil {
		t.Error("a message to a killed instance was sent")
	}
}
