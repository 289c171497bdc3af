package logrecord_test

import (
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/logrecord"
)

func at(nanos int) time.Time { return time.Date(2026, 11, 29, 20, 0, 0, nanos, time.UTC) }

// TestEveryLoggerIsRead has a line of each logger as it writes by default.
func TestEveryLoggerIsRead(t *testing.T) {
	const msec = 123e6
	for name, c := range map[string]struct {
		line           string
		time           time.Time
		level, message string
	}{
		"zap":           {`{"level":"info","ts":1795982400.123,"caller":"main.go:1","msg":"x"}`, at(msec), "info", "x"},
		"zap, ISO 8601": {`{"level":"warn","ts":"2026-11-29T20:00:00.123+0000","msg":"x"}`, at(msec), "warn", "x"},
		"zap, ns":       {`{"L":"ERROR","T":"2026-11-29T21:00:00.123+0100","M":"x"}`, at(msec), "error", "x"},
		"zap, dpanic":   {`{"level":"dpanic","ts":1795982400123000000,"msg":"x"}`, at(msec), "error", "x"},
		"pino":          {`{"level":30,"time":1795982400123,"pid":1,"hostname":"h","msg":"x"}`, at(msec), "info", "x"},
		"pino, fatal":   {`{"level":60,"time":1795982400123,"pid":1,"hostname":"h","msg":"x"}`, at(msec), "error", "x"},
		"zerolog":       {`{"level":"debug","time":"2026-11-29T20:00:00Z","message":"x"}`, at(0), "debug", "x"},
		"zerolog, unix": {`{"level":"error","time":1795982400,"message":"x"}`, at(0), "error", "x"},
		"zerolog, us":   {`{"level":"trace","time":1795982400123000,"message":"x"}`, at(msec), "debug", "x"},
		"logrus":        {`{"level":"warning","msg":"x","time":"2026-11-29T20:00:00Z"}`, at(0), "warn", "x"},
		"slog":          {`{"time":"2026-11-29T20:00:00.123Z","level":"INFO","msg":"x"}`, at(msec), "info", "x"},
		"slog, between": {`{"time":"2026-11-29T20:00:00.123Z","level":"WARN+2","msg":"x"}`, at(msec), "warn", "x"},
		"bunyan":        {`{"name":"a","hostname":"h","pid":1,"level":40,"msg":"x","time":"2026-11-29T20:00:00.123Z","v":0}`, at(msec), "warn", "x"},
		"winston":       {`{"level":"error","message":"x","timestamp":"2026-11-29T20:00:00.123Z"}`, at(msec), "error", "x"},
		"winston alone": {`{"level":"info","message":"x"}`, time.Time{}, "info", "x"},
		"log4j":         {`{"instant":{"epochSecond":1795982400,"nanoOfSecond":123000000},"thread":"main","level":"FATAL","loggerName":"a","message":"x"}`, at(msec), "error", "x"},
		"log4j, old":    {`{"timeMillis":1795982400123,"thread":"main","level":"WARN","message":"x"}`, at(msec), "warn", "x"},
		"logback":       {`{"@timestamp":"2026-11-29T20:00:00.123Z","@version":"1","message":"x","level":"INFO","level_value":20000}`, at(msec), "info", "x"},
		"ECS":           {`{"@timestamp":"2026-11-29T20:00:00.123Z","log.level":"error","message":"x","trace.id":"ab"}`, at(msec), "error", "x"},
		"ECS, nested":   {`{"@timestamp":"2026-11-29T20:00:00.123Z","log":{"level":"warn","logger":"a"},"message":"x"}`, at(msec), "warn", "x"},
		"structlog":     {`{"event":"x","level":"warning","timestamp":"2026-11-29T20:00:00.123Z"}`, at(msec), "warn", "x"},
		"python-json":   {`{"asctime":"2026-11-29 20:00:00,123","levelname":"CRITICAL","message":"x"}`, at(msec), "error", "x"},
		"python, no":    {`{"message":"x","levelno":30}`, time.Time{}, "warn", "x"},
		"loguru":        {`{"text":"long\n","record":{"level":{"name":"WARNING","no":30},"message":"x","time":{"repr":"r","timestamp":1795982400.123}}}`, at(msec), "warn", "x"},
		"klog":          {`{"ts":1795982400123.0,"caller":"a.go:1","msg":"x","v":0}`, at(msec), "", "x"},
		"GCP":           {`{"severity":"ERROR","time":"2026-11-29T20:00:00.123Z","message":"x"}`, at(msec), "error", "x"},
		"GCP, object":   {`{"severity":"NOTICE","timestamp":{"seconds":1795982400,"nanos":123000000},"message":"x"}`, at(msec), "info", "x"},
		"GCP, seconds":  {`{"severity":"EMERGENCY","timestampSeconds":"1795982400","message":"x"}`, at(0), "error", "x"},
		"journald":      {`{"__REALTIME_TIMESTAMP":"1795982400123000","PRIORITY":"4","MESSAGE":"x"}`, at(msec), "warn", "x"},
		"GELF":          {`{"version":"1.1","host":"h","short_message":"x","timestamp":1795982400.123,"level":3}`, at(msec), "error", "x"},
		"Serilog":       {`{"@t":"2026-11-29T20:00:00.123Z","@mt":"x","@l":"Fatal"}`, at(msec), "error", "x"},
		".NET":          {`{"Timestamp":"2026-11-29T20:00:00.123Z","EventId":0,"LogLevel":"Information","Category":"a","Message":"x"}`, at(msec), "info", "x"},
		"Rust tracing":  {`{"timestamp":"2026-11-29T20:00:00.123Z","level":"WARN","fields":{"message":"x"},"target":"a"}`, at(msec), "warn", "x"},
		"Monolog":       {`{"message":"x","context":{},"level":400,"level_name":"ERROR","channel":"a","datetime":"2026-11-29T20:00:00.123+00:00"}`, at(msec), "error", "x"},
		"Monolog, no":   {`{"message":"x","level":300}`, time.Time{}, "warn", "x"},
		"Docker":        {`{"log":"x\n","stream":"stdout","time":"2026-11-29T20:00:00.123Z"}`, at(msec), "", "x"},
		"OpenTelemetry": {`{"severityNumber":17,"body":"x","timestamp":"1795982400123000000"}`, at(msec), "error", "x"},
		"Apache":        {`{"time":"[29/Nov/2026:21:00:00 +0100]","message":"x"}`, at(0), "", "x"},
		"nginx":         {`{"time_local":"29/Nov/2026:20:00:00 +0000","msg":"x"}`, at(0), "", "x"},
		"Go's String":   {`{"time":"2026-11-29 20:00:00.123 +0000 UTC","msg":"x"}`, at(msec), "", "x"},
		"an exponent":   {`{"ts":1.7959824e+09,"msg":"x"}`, at(0), "", "x"},
	} {
		r, ok := logrecord.Parse([]byte(c.line))
		got := r.Time
		if r.NoZone { // independent of where the test runs
			got = time.Date(got.Year(), got.Month(), got.Day(), got.Hour(), got.Minute(), got.Second(), got.Nanosecond(), time.UTC)
		}
		if !ok || got.Sub(c.time).Abs() > time.Microsecond || r.Level != c.level || r.Message != c.message {
			t.Errorf("%s: %s, %q, %q, want %s, %q, %q", name, got.UTC(), r.Level, r.Message, c.time, c.level, c.message)
		}
	}
}

func TestAFieldThatCannotBeReadSpoilsNoOther(t *testing.T) {
	for _, line := range []string{
		`{"time":"yesterday","ts":1795982400,"level":"warn","msg":"x"}`,
		`{"time":{},"timestamp":"2026-11-29T20:00:00Z","level":[],"severity":"warn","message":7,"msg":"x"}`,
		`{"time":null,"ts":true,"t":[],"@timestamp":"2026-11-29T20:00:00Z","lvl":"warn","level":{"a":1},"msg":"x","trace_id":5}`,
		`{"time":-1,"ts":0,"eventTime":"2026-11-29T20:00:00Z","level":"warn","message":"","msg":"x"}`,
	} {
		if r, ok := logrecord.Parse([]byte(line)); !ok || !r.Time.Equal(at(0)) || r.Level != "warn" || r.Message != "x" {
			t.Errorf("%s: %+v", line, r)
		}
	}
}

func TestATimeThatCannotBeRightIsThatOfTheArrival(t *testing.T) {
	came := at(0)
	for line, written := range map[string]bool{
		`{"msg":"x"}`: false, `{"ts":5,"msg":"x"}`: false, `{"time":"2026-11-29T19:00:00Z"}`: true, `{"time":"2036-01-01T00:00:00Z"}`: false,
		`{"time":"0001-01-01T00:00:00Z"}`: false, `{"time":"2026-11-28T20:00:00Z"}`: true,
	} {
		r, _ := logrecord.Parse([]byte(line))
		got, ok := r.TimeAt(came)
		if ok != written || !ok && !got.Equal(came) || ok && !got.Equal(r.Time) {
			t.Errorf("%s: %s, %v", line, got, ok)
		}
	}
	elsewhere := logrecord.Record{NoZone: true, Time: time.Date(2026, 11, 29, 20, 0, 0, 0, time.FixedZone("", 9*3600))}
	if got, ok := elsewhere.TimeAt(came); ok || !got.Equal(came) {
		t.Errorf("a time in UTC without a zone: %s, %v", got, ok)
	}
	stamp, record := logrecord.Unstamp(string(logrecord.Stamp([]byte(`{"a":1}`), came)))
	if !stamp.Equal(came) || record != `{"a":1}` {
		t.Errorf("stamped: %s, %q", stamp, record)
	}
}

func TestPlainTextHasALevel(t *testing.T) {
	for line, want := range map[string]string{
		"plain text":                                        "info",
		"the error was not found":                           "info",
		"ERROR: it failed":                                  "error",
		"error: it failed":                                  "error",
		"Warning: careful":                                  "warn",
		"2026-11-29 20:00:00,123 WARNING main: x":           "warn",
		"2026-11-29 20:00:00,123 - main - ERROR - x":        "error",
		"2026-11-29T20:00:00.123Z  WARN 1 --- [main] a: x":  "warn",
		"2026-11-29T20:00:00.123Z\tERROR\tmain.go:1\tx":     "error",
		"WARNING:root:x":                                    "warn",
		"INFO:     127.0.0.1:5 - \"GET /\" 500":             "info",
		"[2026-11-29 20:00:00 +0000] [12] [ERROR] Booting":  "error",
		"2026/11/29 20:00:00 [error] 12#0: x":               "error",
		"[Sun Nov 29 20:00:00.123 2026] [core:error] x":     "error",
		"1:M 29 Nov 2026 20:00:00.123 # WARNING overcommit": "warn",
		"2026-11-29 20:00:00.123 UTC [1] FATAL:  x":         "error",
		"[2026-11-29T20:00:00Z DEBUG a] x":                  "debug",
		"E1129 20:00:00.123456       1 a.go:1] x":           "error",
		"W1129 20:00:00.123456       1 a.go:1] x":           "warn",
		`time=2026-11-29T20:00:00Z level=WARN msg=x`:        "warn",
		`t=2026-11-29 lvl=eror msg=x`:                       "error",
		`xlevel=error`:                                      "info",
		"panic: runtime error":                              "error",
		"Traceback (most recent call last):":                "error",
		"thread 'main' panicked at a.rs":                    "error",
		"npm ERR! x":                                        "error",
	} {
		if got := logrecord.TextLevel(line); got != want {
			t.Errorf("%q is %s, want %s", line, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"ts":1795982400.123,"level":30,"msg":"x","log":{"level":"a"}}`)
	f.Fuzz(func(_ *testing.T, line string) {
		logrecord.Parse([]byte(line))
		logrecord.TextLevel(line)
		logrecord.Unstamp(line)
	})
}
