package broadcast

import (
	"sync"
	"testing"
)

func TestNotifyWakesEveryWaiterOnce(t *testing.T) {
	var s Signal
	first, second := s.Wait(), s.Wait()
	s.Notify()
	<-first
	<-second
	select {
	case <-s.Wait():
		t.Error("a channel taken after Notify is closed already")
	default:
	}
}

func TestNotifyWithoutWaitersIsForgotten(t *testing.T) {
	var s Signal
	s.Notify()
	select {
	case <-s.Wait():
		t.Error("Notify was remembered")
	default:
	}
}

func TestNoChangeIsMissedBetweenWaitAndRead(t *testing.T) {
	var s Signal
	var mu sync.Mutex
	value := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			changed := s.Wait()
			mu.Lock()
			v := value
			mu.Unlock()
			if v == 1000 {
				return
			}
			<-changed
		}
	}()
	for range 1000 {
		mu.Lock()
		value++
		mu.Unlock()
		s.Notify()
	}
	<-done
}
