package workload

import (
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnExitIsDescribedByWhatEndedTheContainer(t *testing.T) {
	for want, e := range map[string]Exit{
		"exited with code 0":                                 {},
		"exited with code 3: no config":                      {Code: 3, Message: "no config"},
		"killed (SIGKILL)":                                   {Code: 137, Signal: 9},
		"ended by SIGSEGV":                                   {Code: 139, Signal: 11},
		"ended by signal 64":                                 {Code: 192, Signal: 64},
		"killed for its use of memory (OOMKilled): it had 2": {Code: 137, Signal: sigkill, Reason: OOMKilled, Message: "it had 2"},
		"did not start: no such file":                        {Code: startErrorCode, Reason: StartError, Message: "no such file"},
	} {
		if got := describeExit(e); got != want {
			t.Errorf("%+v: %q, want %q", e, got, want)
		}
	}
}

func TestTheCauseOfAnExitIsLoggedAsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			exit Exit
			want string
		}{
			"a code":         {Exit{Code: 3}, `"severity":"error","message":"exited with code 3: last words"`},
			"a cause":        {Exit{Code: 1, Message: "no config"}, `"severity":"error","message":"exited with code 1: no config: last words"`},
			"a kill":         {Exit{Code: 137, Signal: sigkill}, `"severity":"error","message":"killed (SIGKILL)"`},
			"a code of zero": {Exit{}, ""},
		} {
			var mu sync.Mutex
			var log strings.Builder
			w := newWorld(t)
			w.app("ad", 1)
			once := true
			w.behaves("ad", func(in *fakeInstance) {
				if once {
					once = false
					in.end(c.exit)
				}
			})
			w.run(func(cfg *Config) {
				cfg.OpenLog = func(LogSource) (io.WriteCloser, error) { return &lockedLog{&mu, &log}, nil }
			})
			w.pass(time.Second)
			w.stop()
			mu.Lock()
			if got := log.String(); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("%s: log %q, want %q", name, got, c.want)
			}
			mu.Unlock()
		}
	})
}

type lockedLog struct {
	mu *sync.Mutex
	b  *strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) Close() error { return nil }
