package cmdutil_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// A look is what Poll sees after a time.
type look struct {
	takes    time.Duration
	waitsFor string
	err      error
}

func TestPollLooksOnceHoweverShortItsTimeIs(t *testing.T) {
	errCrashed := errors.New("crashed")
	for name, c := range map[string]struct {
		looks    []look
		waitsFor string
		err      error
	}{
		"true at once":                         {[]look{{0, "", nil}}, "", nil},
		"true at a late look":                  {[]look{{2 * time.Second, "", nil}}, "", nil},
		"true in time":                         {[]look{{0, "a", nil}, {0, "b", nil}, {0, "", nil}}, "", nil},
		"not true at a late look":              {[]look{{2 * time.Second, "a", nil}}, "a", cmdutil.ErrLate},
		"not true in time":                     {[]look{{0, "a", nil}, {600 * time.Millisecond, "b", nil}, {600 * time.Millisecond, "c", nil}}, "b", cmdutil.ErrLate},
		"a late look fails of something else":  {[]look{{2 * time.Second, "", errCrashed}}, "", errCrashed},
		"a second look fails":                  {[]look{{0, "a", nil}, {0, "", errCrashed}}, "a", errCrashed},
		"a second look is cut off by the time": {[]look{{0, "a", nil}, {2 * time.Second, "b", nil}}, "a", cmdutil.ErrLate},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bounded, cancel := cmdutil.Within(t.Context(), time.Second)
				defer cancel()
				left := c.looks
				waitsFor, err := cmdutil.Poll(t.Context(), bounded, 100*time.Millisecond, func(ctx context.Context) (string, error) {
					now := look{takes: time.Hour}
					if len(left) > 0 {
						now, left = left[0], left[1:]
					}
					select {
					case <-time.After(now.takes):
						return now.waitsFor, now.err
					case <-ctx.Done():
						return "", ctx.Err()
					}
				})
				if waitsFor != c.waitsFor || !errors.Is(err, c.err) {
					t.Errorf("waits for %q, %v; want %q, %v", waitsFor, err, c.waitsFor, c.err)
				}
			})
		})
	}
}

func TestPollGivesUpADaemonThatDoesNotRespond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bounded, cancel := cmdutil.Within(t.Context(), time.Second)
		defer cancel()
		waitsFor, err := cmdutil.Poll(t.Context(), bounded, time.Second, func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		var told *cmdutil.Error
		if waitsFor != "" || !errors.As(err, &told) || told.Code != cmdutil.ExitInconclusive || told.Error() != "the daemon does not respond" {
			t.Errorf("waits for %q, %v", waitsFor, err)
		}
	})
}

func TestPollThatIsInterruptedIsNotLate(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	bounded, cancel := cmdutil.Within(ctx, time.Hour)
	defer cancel()
	_, err := cmdutil.Poll(ctx, bounded, time.Hour, func(context.Context) (string, error) {
		interrupt()
		return "a", nil
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, cmdutil.ErrLate) {
		t.Errorf("got %v", err)
	}
}
