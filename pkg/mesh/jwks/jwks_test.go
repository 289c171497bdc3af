package jwks_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/mesh/jwks"
)

const (
	uri = "https://id.example/keys"
	one = `{"keys":[{"kty":"oct","k":"AQ"}]}`
	two = `{"keys":[{"kty":"oct","k":"AQ"},{"kty":"oct","k":"Ag"}]}`
)

// issuer gives the answer that it has; without one it waits until the caller leaves.
type issuer struct {
	mu     sync.Mutex
	status int
	body   string
	asked  int
}

func (i *issuer) answers(status int, body string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.body = status, body
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// RoundTrip implements http.RoundTripper.
func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.asked++
	status, body := i.status, i.body
	i.mu.Unlock()
	if body == "" {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// start runs a cache in a bubble until the test ends. It wants the keys of the issuer.
func start(t *testing.T, from *issuer) *jwks.Cache {
	t.Helper()
	c := jwks.New(&http.Client{Transport: from}, func() {})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	c.Want(map[string]time.Duration{uri: 0})
	synctest.Wait()
	return c
}

func TestKeysAreFetchedAgainAfterTwentyMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &issuer{status: 200, body: one}
		c := start(t, from)
		if got := c.Sets()[uri]; got.Keys != one || got.Err != nil {
			t.Fatalf("%q, %v", got.Keys, got.Err)
		}
		from.answers(200, two)
		time.Sleep(20*time.Minute - time.Second)
		if got := c.Sets()[uri]; got.Keys != one || from.count() != 1 {
			t.Errorf("before 20 minutes it was asked %d times, keys %q", from.count(), got.Keys)
		}
		time.Sleep(2 * time.Second)
		if got := c.Sets()[uri]; got.Keys != two {
			t.Errorf("after 20 minutes the keys are %q", got.Keys)
		}
	})
}

func TestKeysStayKnownWhileTheIssuerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &issuer{status: 200, body: one}
		c := start(t, from)
		from.answers(503, "busy")
		time.Sleep(21 * time.Minute)
		if got := c.Sets()[uri]; got.Keys != one || got.Err == nil || !strings.Contains(got.Err.Error(), uri) {
			t.Errorf("keys %q, error %v; want those from before, and an error that names the address", got.Keys, got.Err)
		}
	})
}

func TestAFailedFetchIsTriedAgainLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &issuer{status: 404, body: "gone"}
		c := start(t, from)
		time.Sleep(3500 * time.Millisecond) // after 1 and 2 seconds
		if n := from.count(); n != 3 {
			t.Errorf("asked %d times in 3.5 s, want 3", n)
		}
		time.Sleep(10 * time.Minute)
		n := from.count()
		time.Sleep(10 * time.Minute)
		if more := from.count() - n; more != 10 {
			t.Errorf("asked %d times in 10 minutes, want once a minute", more)
		}
		from.answers(200, one)
		time.Sleep(time.Minute)
		if got := c.Sets()[uri]; got.Keys != one || got.Err != nil {
			t.Errorf("%q, %v", got.Keys, got.Err)
		}
	})
}

func TestAnAnswerHasToBeASetOfKeysAndShort(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON": "<html>", "an empty set": `{"keys":[]}`, "other JSON": `{"issuer":"a"}`, "more than 1 MiB": one + strings.Repeat(" ", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := start(t, &issuer{status: 200, body: body}).Sets()[uri]; got.Keys != "" || got.Err == nil {
					t.Errorf("%.20q, %v", got.Keys, got.Err)
				}
			})
		})
	}
}

func TestAnIssuerThatDoesNotAnswerIsLeftAfterTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, &issuer{})
		time.Sleep(5*time.Second + time.Millisecond)
		if got := c.Sets()[uri]; !errors.Is(got.Err, context.DeadlineExceeded) {
			t.Errorf("%v", got.Err)
		}
	})
}

func TestAnAddressThatIsNotWantedAnyMoreIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &issuer{status: 200, body: one}
		c := start(t, from)
		c.Want(nil)
		time.Sleep(time.Hour)
		if n := from.count(); n != 1 || len(c.Sets()) != 0 {
			t.Errorf("asked %d times, known: %v", n, c.Sets())
		}
	})
}
