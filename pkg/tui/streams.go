package tui

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// tailed is how many log lines are asked for when a service is chosen.
const tailed = 500

func (f *feed) events(ctx context.Context, shop feedShop) error {
	stream, err := shop.Events(ctx, &controlpb.EventsRequest{Follow: true})
	if err != nil {
		return err
	}
	for {
		e, err := stream.Recv()
		if err != nil {
			return err
		}
		line := eventEntry(e, f.zone)
		f.put(func(b *batch) { b.events = last(append(b.events, line)) })
	}
}

// last keeps what a pane can hold of a flood.
func last(entries []entry) []entry { return entries[max(0, len(entries)-kept):] }

// listen says which logs are wanted, and the number that their lines will bear.
func (f *feed) listen(number int, w wanted) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number <= f.wish.number {
		return // overtaken
	}
	close(f.wish.changed)
	f.wish = wish{wanted: w, number: number, changed: make(chan struct{})}
	f.pending.logs = nil
}

func (f *feed) wished() wish {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wish
}

// logs follows the logs that are wanted, as the wishes change.
func (f *feed) logs(ctx context.Context, shop feedShop) error {
	for ctx.Err() == nil {
		w := f.wished()
		if w.on {
			if err := f.tail(ctx, shop, w); err != nil {
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
func (f *feed) tail(ctx context.Context, shop feedShop, w wish) error {
	ctx, stop := within(ctx, w.changed)
	defer stop()
	f.put(func(b *batch) { b.logs, b.logsOf, b.logsAfresh = nil, w.number, true })
	req := &controlpb.LogsRequest{Service: w.service, TraceId: w.trace, SpanId: w.span, Follow: true, Tail: tailed}
	if !w.since.IsZero() {
		req.Since, req.Tail = timestamppb.New(w.since), kept
	}
	stream, err := shop.Logs(ctx, req)
	for err == nil {
		var line *controlpb.LogLine
		if line, err = stream.Recv(); err == nil {
			f.addLogs(w, logEntry(line, f.zone, w.service == ""))
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
	f.addLogs(w, plainEntry(errorText(err)))
	return nil
}

func (f *feed) addLogs(w wish, line entry) {
	f.put(func(b *batch) {
		if f.wish.number == w.number {
			b.logs, b.logsOf = last(append(b.logs, line)), w.number
		}
	})
}
