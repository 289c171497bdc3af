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

// wanted is which logs are followed: of a service, of all where it is empty, or none.
type LogQuery struct {
	Service string
	Trace   string // empty: no matter which
	Span    string // of it; empty: no matter which
	// since is the time from which on; zero: the last lines.
	Since  time.Time
	Active bool
}

// tailed is how many log lines are asked for when a service is chosen.
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

// last keeps what a pane can hold of a flood.
func latest(entries []Entry) []Entry { return entries[max(0, len(entries)-MaxEntries):] }

// listen says which logs are wanted, and the number that their lines will bear.
func (f *Feed) SetLogs(number int, w LogQuery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number <= f.subscription.seq {
		return // overtaken
	}
	close(f.subscription.changed)
	f.subscription = subscription{LogQuery: w, seq: number, changed: make(chan struct{})}
	f.pending.Logs = nil
}

func (f *Feed) currentLogs() subscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.subscription
}

// logs follows the logs that are wanted, as the wishes change.
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

// tail follows one service until the wish changes. An error means that the connection is lost; what is
// wrong with the request alone is said in place of the lines.
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
