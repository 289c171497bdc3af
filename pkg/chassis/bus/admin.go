package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

// Topic is a type of event.
type Topic struct {
	Type     string
	Messages uint64
	// Last is when the newest was stored; zero if none was.
	Last time.Time
}

// Topics returns the types of the shop, and others of which there are events.
func (b *Bus) Topics(ctx context.Context) ([]Topic, error) {
	if err := b.streams(ctx); err != nil {
		return nil, err
	}
	stream, err := b.js.Stream(ctx, shopevent.Stream)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", explain(err))
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(shopevent.SubjectPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", explain(err))
	}
	names := shopevent.Types()
	for subject := range info.State.Subjects {
		if name := strings.TrimPrefix(subject, shopevent.SubjectPrefix); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var topics []Topic
	for _, name := range names {
		t := Topic{Type: name, Messages: info.State.Subjects[shopevent.SubjectPrefix+name]}
		if t.Messages > 0 {
			last, err := stream.GetLastMsgForSubject(ctx, shopevent.SubjectPrefix+name)
			if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
				return nil, fmt.Errorf("list topics: %w", explain(err))
			}
			if err == nil {
				t.Last = last.Time
			}
		}
		topics = append(topics, t)
	}
	return topics, nil
}

// ConsumerInfo is how far a consumer is.
type ConsumerInfo struct {
	Name string
	// Types are the types of events that it receives; none: all.
	Types []string
	// Waiting is how many events are to be delivered; Working how many are delivered and not answered; Again how many of
	// these were delivered before.
	Waiting         uint64
	Working, Again  int
	LastAnswered    time.Time // zero: none yet
	AnsweredThrough uint64    // all events up to this one in the stream
	// Listening is how many requests for events the server has: 0 where no process of the consumer runs.
	Listening int
	// DeadLetters is how many events it gave up that were neither sent again nor discarded.
	DeadLetters uint64
}

// Consumers returns the consumers by their names.
func (b *Bus) Consumers(ctx context.Context) ([]ConsumerInfo, error) {
	if err := b.streams(ctx); err != nil {
		return nil, err
	}
	stream, err := b.js.Stream(ctx, shopevent.Stream)
	if err != nil {
		return nil, fmt.Errorf("list consumers: %w", explain(err))
	}
	dead, err := b.deadByConsumer(ctx)
	if err != nil {
		return nil, err
	}
	var all []ConsumerInfo
	list := stream.ListConsumers(ctx)
	for info := range list.Info() {
		if info.Config.Durable == "" { // of a command that looks
			continue
		}
		c := ConsumerInfo{
			Name: info.Name, Types: typesOf(info.Config), Waiting: info.NumPending, Working: info.NumAckPending, Again: info.NumRedelivered,
			AnsweredThrough: info.AckFloor.Stream, Listening: info.NumWaiting, DeadLetters: dead[info.Name],
		}
		if info.AckFloor.Last != nil {
			c.LastAnswered = *info.AckFloor.Last
		}
		all = append(all, c)
	}
	if err := list.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return nil, fmt.Errorf("list consumers: %w", explain(err))
	}
	slices.SortFunc(all, func(a, b ConsumerInfo) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// deadByConsumer counts dead letters: the last word of an advisory's subject is the consumer.
func (b *Bus) deadByConsumer(ctx context.Context) (map[string]uint64, error) {
	stream, err := b.js.Stream(ctx, shopevent.DeadLetters)
	if err != nil {
		return nil, fmt.Errorf("count dead letters: %w", explain(err))
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return nil, fmt.Errorf("count dead letters: %w", explain(err))
	}
	counts := map[string]uint64{}
	for subject, n := range info.State.Subjects {
		counts[subject[strings.LastIndexByte(subject, '.')+1:]] += n
	}
	return counts, nil
}

func typesOf(cfg jetstream.ConsumerConfig) []string {
	var types []string
	for _, subject := range append([]string{cfg.FilterSubject}, cfg.FilterSubjects...) {
		if name, ok := strings.CutPrefix(subject, shopevent.SubjectPrefix); ok && name != "*" {
			types = append(types, name)
		}
	}
	return types
}

// Stored is an event as the server keeps it.
type Stored struct {
	Seq     uint64
	Time    time.Time
	Payload []byte
}

// Tail calls use with each event of the types, or of all, from a number of past ones on, until ctx ends or use fails.
// Without follow it ends after those that are there.
func (b *Bus) Tail(ctx context.Context, types []string, past int, follow bool, use func(Stored) error) error {
	if err := b.streams(ctx); err != nil {
		return err
	}
	stream, err := b.js.Stream(ctx, shopevent.Stream)
	if err != nil {
		return fmt.Errorf("read events: %w", explain(err))
	}
	subjects := configOf("", types).FilterSubjects[1:]
	end := stream.CachedInfo().State.LastSeq
	if past > 0 {
		if err := b.past(ctx, stream, subjects, past, end, use); err != nil {
			return err
		}
	}
	if !follow {
		return nil
	}
	ordered, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: subjects, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: end + 1})
	if err != nil {
		return fmt.Errorf("follow events: %w", explain(err))
	}
	return each(ctx, ordered, func(s Stored) (bool, error) { return true, use(s) })
}

// past calls use with the newest events up to a sequence. They are counted from the end, in steps, since a subject's share of
// the stream is not known.
func (b *Bus) past(ctx context.Context, stream jetstream.Stream, subjects []string, most int, end uint64, use func(Stored) error) error {
	var found []Stored
	for span := uint64(most); end > 0; span *= 4 {
		start := uint64(1)
		if span < end {
			start = end - span + 1
		}
		found = nil
		ordered, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: subjects, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: start})
		if err != nil {
			return fmt.Errorf("read events: %w", explain(err))
		}
		info, err := ordered.Info(ctx)
		if err != nil {
			return fmt.Errorf("read events: %w", explain(err))
		}
		if left := info.NumPending; left > 0 {
			err = each(ctx, ordered, func(s Stored) (bool, error) {
				left--
				if s.Seq <= end {
					found = append(found, s)
				}
				return left > 0 && s.Seq < end, nil
			})
		}
		if err != nil {
			return err
		}
		if len(found) >= most || start == 1 {
			break
		}
	}
	for _, s := range found[max(0, len(found)-most):] {
		if err := use(s); err != nil {
			return err
		}
	}
	return nil
}

// each calls use with messages until it returns false or an error, or ctx ends.
func each(ctx context.Context, from jetstream.Consumer, use func(Stored) (more bool, err error)) error {
	messages, err := from.Messages()
	if err != nil {
		return explain(err)
	}
	defer context.AfterFunc(ctx, messages.Stop)()
	defer messages.Stop()
	for {
		msg, err := messages.Next()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return explain(err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if more, err := use(Stored{Seq: meta.Sequence.Stream, Time: meta.Timestamp, Payload: msg.Data()}); err != nil || !more {
			return err
		}
	}
}

// ErrNoConsumer is returned for a consumer that the server does not know.
var ErrNoConsumer = errors.New("no such consumer")

// Replay delivers events to a consumer again, from a sequence in the stream on.
func (b *Bus) Replay(ctx context.Context, consumer string, from uint64) error {
	_, err := b.js.Consumer(ctx, shopevent.Stream, consumer)
	if err == nil {
		_, err = b.js.ResetConsumerToSequence(ctx, shopevent.Stream, consumer, max(from, 1))
	}
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		err = ErrNoConsumer
	}
	if err != nil {
		return fmt.Errorf("replay to %s: %w", consumer, explain(err))
	}
	return nil
}

// FirstSince returns the sequence of the first event at or after a time; one after the last if there is none.
func (b *Bus) FirstSince(ctx context.Context, at time.Time) (seq uint64, err error) {
	if err := b.streams(ctx); err != nil {
		return 0, err
	}
	stream, err := b.js.Stream(ctx, shopevent.Stream)
	if err != nil {
		return 0, fmt.Errorf("find events: %w", explain(err))
	}
	ordered, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &at})
	if err != nil {
		return 0, fmt.Errorf("find events: %w", explain(err))
	}
	info, err := ordered.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("find events: %w", explain(err))
	}
	if info.NumPending == 0 {
		return stream.CachedInfo().State.LastSeq + 1, nil
	}
	err = each(ctx, ordered, func(s Stored) (bool, error) { seq = s.Seq; return false, nil })
	return seq, err
}
