package chassis

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// newLogger writes one JSON object a line with the original's keys: timestamp, severity, message.
func newLogger(o Options) (*slog.Logger, *lineBatcher, error) {
	level := slog.LevelInfo
	if text := o.Getenv("LOG_LEVEL"); text != "" {
		if err := level.UnmarshalText([]byte(text)); err != nil {
			return nil, nil, fmt.Errorf("read LOG_LEVEL=%q: want debug, info, warn or error", text)
		}
	}
	delay := defaultBatchDelay
	if text := o.Getenv("LOG_BATCH_DELAY"); text != "" {
		var err error
		if delay, err = time.ParseDuration(text); err != nil {
			return nil, nil, fmt.Errorf("read LOG_BATCH_DELAY=%q: want a duration such as %v", text, defaultBatchDelay)
		}
	}
	out := newLineBatcher(o.Stdout, delay)
	h := slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: renameKeys})
	return slog.New(traceHandler{h, out}).With("service", o.Workload), out, nil
}

func renameKeys(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "timestamp"
	case slog.LevelKey:
		a.Key = "severity"
		if l, ok := a.Value.Any().(slog.Level); ok {
			a.Value = slog.StringValue(severity(l))
		}
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}

func severity(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	default:
		return "error"
	}
}

// LevelAudit is the level of records that must outlive a kill of the service, such as those of money: they are written
// before the call goes on. Their severity is info.
const LevelAudit = slog.LevelInfo + 1

// traceHandler adds the ids of the context's span, and writes what is worse than info, or to be kept, at once.
type traceHandler struct {
	slog.Handler
	out *lineBatcher
}

func (h traceHandler) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	err := h.Handler.Handle(ctx, r)
	if r.Level >= LevelAudit {
		h.out.Flush()
	}
	return err
}

func (h traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traceHandler{h.Handler.WithAttrs(attrs), h.out}
}

func (h traceHandler) WithGroup(name string) slog.Handler {
	return traceHandler{h.Handler.WithGroup(name), h.out}
}
