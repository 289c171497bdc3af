package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

// DeadLetter is a message that a consumer gave up.
type DeadLetter struct {
	// Seq identifies the dead letter.
	Seq      uint64
	Consumer string
	// Attempts is how often the message was delivered.
	Attempts uint64
	// Reason is the consumer's last error; empty where it died each time.
	Reason string
	Time   time.Time
	// MessageSeq is that of the message in the stream of events. Message is its payload; nil if it is not kept any more.
	MessageSeq uint64
	Message    []byte
}

// ErrNoDeadLetter is returned for a dead letter that is not there.
var ErrNoDeadLetter = errors.New("no such dead letter")

// DeadLetters returns the dead letters, the oldest first, at most limit.
func (b *Bus) DeadLetters(ctx context.Context, limit int) ([]DeadLetter, error) {
	if err := b.streams(ctx); err != nil {
		return nil, err
	}
	stream, err := b.js.Stream(ctx, shopevent.DeadLetters)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", explain(err))
	}
	var found []DeadLetter
	for next := uint64(1); len(found) < limit; {
		raw, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(">"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("list dead letters: %w", explain(err))
		}
		letter, err := b.letter(ctx, raw)
		if err != nil {
			return nil, err
		}
		found, next = append(found, letter), raw.Sequence+1
	}
	return found, nil
}

// letter reads an advisory of JetStream, and the message that it is about.
func (b *Bus) letter(ctx context.Context, raw *jetstream.RawStreamMsg) (DeadLetter, error) {
	var about struct {
		Consumer   string `json:"consumer"`
		StreamSeq  uint64 `json:"stream_seq"`
		Deliveries uint64 `json:"deliveries"`
		Reason     string `json:"reason"`
	}
	if err := json.Unmarshal(raw.Data, &about); err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %d: %w", raw.Sequence, err)
	}
	letter := DeadLetter{
		Seq: raw.Sequence, Consumer: about.Consumer, Attempts: about.Deliveries, Reason: about.Reason, Time: raw.Time, MessageSeq: about.StreamSeq,
	}
	msg, err := b.stored(ctx, about.StreamSeq)
	if err == nil {
		letter.Message = msg.Data
	} else if !errors.Is(err, jetstream.ErrMsgNotFound) {
		return letter, err
	}
	return letter, nil
}

// stored returns a message of the stream of events.
func (b *Bus) stored(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	stream, err := b.js.Stream(ctx, shopevent.Stream)
	if err != nil {
		return nil, explain(err)
	}
	msg, err := stream.GetMsg(ctx, seq)
	if err != nil {
		return nil, fmt.Errorf("get message %d: %w", seq, explain(err))
	}
	return msg, nil
}

// Redrive sends a dead letter to its consumer again, and to no other, and removes it. If this is interrupted, it can be
// repeated: the consumer gets the message once, or recognizes it.
func (b *Bus) Redrive(ctx context.Context, letter DeadLetter) error {
	old, err := b.stored(ctx, letter.MessageSeq)
	if err != nil {
		return err
	}
	msg := nats.NewMsg(shopevent.RedrivePrefix + letter.Consumer)
	msg.Data = old.Data
	for _, key := range []string{"content-type", "traceparent", "tracestate"} {
		if value := old.Header.Get(key); value != "" {
			msg.Header.Set(key, value)
		}
	}
	msg.Header.Set(jetstream.MsgIDHeader, "redrive-"+letter.Consumer+"-"+strconv.FormatUint(letter.Seq, 10))
	if _, err := b.js.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("send dead letter %d again: %w", letter.Seq, explain(err))
	}
	return b.Discard(ctx, letter.Seq)
}

// Discard removes a dead letter.
func (b *Bus) Discard(ctx context.Context, seq uint64) error {
	stream, err := b.js.Stream(ctx, shopevent.DeadLetters)
	if err == nil {
		_, err = stream.GetMsg(ctx, seq) // the removal's own error does not say that it is not there
	}
	if err == nil {
		err = stream.DeleteMsg(ctx, seq)
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		err = ErrNoDeadLetter
	}
	if err != nil {
		return fmt.Errorf("remove dead letter %d: %w", seq, explain(err))
	}
	return nil
}
