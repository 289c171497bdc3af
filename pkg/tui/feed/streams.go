package feed

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// LogQuery selects the logs that are followed: those of a service, of all if Service is empty, or none.
type LogQuery struct {
	Service string
	Trace   string // empty: any trace
	Span    string // of the trace; empty: any span
	// Since is the time of the first line; zero: the last lines.
	Since  time.Time
	Active bool
}

// initialLines is how many lines are loaded when a service is selected.
const initialLines = 500

func (f *Feed) readEvents(ctx context.Context, shop Shop) error {
	stream, err := shop.Events(ctx, &controlpb.EventsRequest{Follow: true})
	if err != nil {
		return err
	}
	for {
		e, err := stream.Recv()
		if err != nil {
			return err
		}
		line := EventEntry(e, f.zone)
		f.update(func(b *Batch) { b.Events = latest(append(b.Events, line)) })
	}
}

// latest keeps the entries that a pane can hold.
func latest(entries []Entry) []Entry { return entries[max(0, len(entries)-MaxEntries):] }

// SetLogs replaces the log query; seq will identify its lines.
func (f *Feed) SetLogs(seq int, q LogQuery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if seq <= f.subscription.seq {
		return // a later query is in force already
	}
	close(f.subscription.changed)
	f.subscription = subscription{LogQuery: q, seq: seq, changed: make(chan struct{})}
	f.pending.Logs = nil
}

func (f *Feed) currentLogs() subscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.subscription
}

// readLogs follows the logs of the current query.
func (f *Feed) readLogs(ctx context.Context, shop Shop) error {
	for ctx.Err() == nil {
		w := f.currentLogs()
		if w.Active {
			if err := f.tailLogs(ctx, shop, w); err != nil {
				return err
			}
		}
		select {
		case <-w.changed:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// tailLogs follows the logs of one query until another replaces it. An error means that the connection is lost; if
// only the request is wrong, the reason is shown in place of the lines.
func (f *Feed) tailLogs(ctx context.Context, shop Shop, w subscription) error {
	ctx, stop := cancelWhen(ctx, w.changed)
	defer stop()
	f.update(func(b *Batch) { b.Logs, b.LogSeq, b.LogsReset = nil, w.seq, true })
	req := &controlpb.LogsRequest{Service: w.Service, TraceId: w.Trace, SpanId: w.Span, Follow: true, Tail: initialLines}
	if !w.Since.IsZero() {
		req.Since, req.Tail = timestamppb.New(w.Since), MaxEntries
	}
	stream, err := shop.Logs(ctx, req)
	for err == nil {
		var line *controlpb.LogLine
		if line, err = stream.Recv(); err == nil {
			f.addLogs(w, LogEntry(line, f.zone, w.Service == ""))
		}
	}
	select {
	case <-w.changed:
		return nil
	default:
	}
	switch code := status.Code(err); {
	case code == codes.Unavailable || code == codes.Canceled:
		return err
	case errors.Is(err, io.EOF):
		return nil
	}
	f.addLogs(w, TextEntry(ErrorText(err)))
	return nil
}

func (f *Feed) addLogs(w subscription, line Entry) {
	f.update(func(b *Batch) {
		if f.subscription.seq == w.seq {
			b.Logs, b.LogSeq = latest(append(b.Logs, line)), w.seq
		}
	})
}
