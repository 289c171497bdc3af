package chassis

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// sink is where a service's log goes.
type sink struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestARecordToBeKeptIsWrittenAtOnceWithAllBeforeIt(t *testing.T) {
	for level, want := range map[slog.Level]string{slog.LevelInfo: "", LevelAudit: "info", slog.LevelWarn: "warn", slog.LevelError: "error"} {
		out := &sink{}
		env := map[string]string{"LOG_BATCH_DELAY": "1h"}
		log, lines, err := newLogger(Options{Workload: "x", Stdout: out, Getenv: func(k string) string { return env[k] }})
		if err != nil {
			t.Fatal(err)
		}
		log.Info("before")
		log.Log(context.Background(), level, "paid")
		got := out.String()
		if want == "" && got != "" || want != "" && (!strings.Contains(got, "before") || !strings.Contains(got, `"severity":"`+want+`","message":"paid"`)) {
			t.Errorf("level %s: written %q", level, got)
		}
		lines.Close()
	}
}
