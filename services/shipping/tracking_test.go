package shipping

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// noon is when the parcels of these tests are labeled.
func noon() time.Time { return time.Date(2030, time.June, 30, 12, 0, 0, 123e6, time.UTC) }

func issuerAt(now time.Time) *issuer {
	return &issuer{now: func() time.Time { return now }, random: rand.IntN}
}

func TestAnIDHasTheTimeWhenItsLabelWasPrinted(t *testing.T) {
	for _, address := range []string{", , ", "1600 Amphitheatre Parkway, Mountain View, CA", strings.Repeat("a", 100_000)} {
		id := issuerAt(noon()).next(address)
		for _, later := range []time.Duration{-50 * time.Second, 0, time.Millisecond, 100 * 24 * time.Hour} {
			if at, ok := labeled(id, noon().Add(later)); !ok || !at.Equal(noon()) {
				t.Errorf("%s after %v: %v, %v", id, later, at, ok)
			}
		}
	}
}

func TestTheDigitsBeginAgainAfterACycle(t *testing.T) {
	id := issuerAt(noon()).next("address")
	now := noon().Add(cycle*time.Millisecond + time.Hour)
	if at, ok := labeled(id, now); !ok || !at.Equal(now.Add(-time.Hour)) {
		t.Errorf("got %v, %v", at, ok)
	}
}

func TestAMistypedIDIsUnknown(t *testing.T) {
	id := issuerAt(noon()).next("1600 Amphitheatre Parkway, Mountain View, CA")
	for i := range id {
		for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+ " {
			typed := id[:i] + string(c) + id[i+1:]
			if _, ok := labeled(typed, noon()); ok != (typed == id) {
				t.Errorf("%s for %s: %v", typed, id, ok)
			}
		}
		if i+1 < len(id) && id[i] != id[i+1] {
			swapped := id[:i] + id[i+1:i+2] + id[i:i+1] + id[i+2:]
			if _, ok := labeled(swapped, noon()); ok {
				t.Errorf("%s for %s is a valid id", swapped, id)
			}
		}
		if _, ok := labeled(id[:i], noon()); ok {
			t.Errorf("%s is a valid id", id[:i])
		}
	}
	// One that the original made, whose digits mean nothing.
	if _, ok := labeled("UT-44031-220429634", noon()); ok {
		t.Error("an id of another issuer is valid")
	}
}

func TestNoTwoParcelsGetTheSameID(t *testing.T) {
	ids, seen := issuerAt(noon()), sync.Map{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				id := ids.next("address")
				if _, twice := seen.LoadOrStore(id, true); twice {
					t.Errorf("%s was given out twice", id)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzTrackingIDs(f *testing.F) {
	f.Add(issuerAt(noon()).next("1600 Amphitheatre Parkway, Mountain View, CA"))
	f.Add("UT-44031-220429634")
	f.Add("AA-0000-00000000")
	f.Fuzz(func(t *testing.T, id string) {
		at, ok := labeled(id, noon())
		if !ok {
			return
		}
		length, _, _ := cutDigits(strings.Split(id, "-")[1], 3)
		if again := trackingID(id[0], length, at.UnixMilli()); again != id {
			t.Errorf("%q is taken for %q", id, again)
		}
		if at.After(noon().Add(time.Minute)) || at.Before(noon().Add(-cycle*time.Millisecond)) {
			t.Errorf("%q was labeled at %v", id, at)
		}
	})
}
