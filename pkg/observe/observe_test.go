package observe

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEventsAreNumberedBoundedAndFollowed(t *testing.T) {
	e := NewEvents(time.Now)
	_, more := e.After(0)
	for i := range maxEvents + 10 {
		e.Add(Event{Service: "cart", Message: fmt.Sprint(i)})
	}
	<-more
	all, _ := e.After(0)
	if len(all) > maxEvents || len(all) < maxEvents/2 || all[len(all)-1].Sequence != maxEvents+10 {
		t.Errorf("%d events, the last is %v", len(all), all[len(all)-1])
	}
	if last, _ := e.After(maxEvents + 9); len(last) != 1 || last[0].Time.IsZero() {
		t.Errorf("after the one before the last: %v", last)
	}
	if !e.Knows("cart") || e.Knows("ad") {
		t.Error("Knows is wrong")
	}
}
