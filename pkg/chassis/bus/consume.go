package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

const (
	// Attempts is how often an event is delivered before it becomes a dead letter.
	Attempts = 5
	// ackWait is how long an event stays with a consumer that is silent; workEvery is how often one that works says so.
	ackWait, workEvery = 5 * time.Second, 2 * time.Second
	// handleTimeout bounds one attempt.
	handleTimeout = 20 * time.Second
	// The pause before an event that failed is delivered again begins with retryPause and doubles, 1.5 s for all attempts.
	retryPause = 100 * time.Millisecond
	// The pause while a consumer waits for what it needs begins with retryPause and doubles up to maxWait.
	maxWait = 5 * time.Second
	// fetch is how many events the server may send without being asked again. It sends the next after the answer to the one before.
	fetch = 64
	// pullExpiry is how long the server remembers that it was asked.
	pullExpiry = time.Minute
	// maxReason is how much of an error is kept with a dead letter, in bytes.
	maxReason = 300
)

// Consumer receives events, each until it is handled or given up, and one at a time: the events of an order arrive in their
// order, also where several processes share the name.
type Consumer struct {
	// Name identifies the consumer at the server, which knows what was delivered to it: letters, digits, - and _.
	Name string
	// Types are the types of events to receive; none: all.
	Types []string
	// Handle does what the event causes. It may be called again for an event that it has handled. If it fails, it is called
	// again, Attempts times in all, except for errors of Refuse and Wait.
	Handle func(ctx context.Context, e shopevent.Event) error
}

type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// Refuse marks an error that would only repeat itself: the event becomes a dead letter at once.
func Refuse(err error) error { return refusal{err} }

type delay struct{ error }

func (d delay) Unwrap() error { return d.error }

// Wait marks an error that is not the event's fault, such as a database that is away. The event is tried again until it
// succeeds, and those behind it wait.
func Wait(err error) error { return delay{err} }

// Consume handles events until ctx ends. A server that is away is waited for.
func (b *Bus) Consume(ctx context.Context, c Consumer) error {
	waiting := false
	for pause := retryPause; ctx.Err() == nil; pause = min(2*pause, maxWait) {
		err := b.receive(ctx, c, func() {
			if waiting {
				b.cfg.Log.Info("receiving events again", "consumer", c.Name)
			}
			pause, waiting = retryPause, false
		})
		if err == nil || ctx.Err() != nil {
			break
		}
		if !waiting {
			b.cfg.Log.Warn("no events are received, trying again", "consumer", c.Name, "error", err)
			waiting = true
		}
		sleep(ctx, pause)
	}
	return nil
}

// receive handles events until ctx ends, or the server does not serve the consumer any more.
func (b *Bus) receive(ctx context.Context, c Consumer, began func()) error {
	consumer, err := b.consumer(ctx, c)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(fetch), jetstream.PullExpiry(pullExpiry), jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return explain(err)
	}
	defer context.AfterFunc(ctx, messages.Stop)()
	defer messages.Stop()
	began()
	for {
		msg, err := messages.Next()
		if err != nil {
			return err
		}
		b.deliver(ctx, c, msg)
	}
}

// consumer finds the consumer, or makes it: it begins with the oldest event that is kept.
func (b *Bus) consumer(ctx context.Context, c Consumer) (jetstream.Consumer, error) {
	if err := b.streams(ctx); err != nil {
		return nil, err
	}
	found, err := b.js.Consumer(ctx, shopevent.Stream, c.Name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		found, err = b.js.CreateConsumer(ctx, shopevent.Stream, configOf(c.Name, c.Types))
	}
	if err != nil {
		return nil, fmt.Errorf("make the consumer %s: %w", c.Name, explain(err))
	}
	return found, nil
}

func configOf(name string, types []string) jetstream.ConsumerConfig {
	subjects := []string{shopevent.RedrivePrefix + name}
	for _, t := range types {
		subjects = append(subjects, shopevent.SubjectPrefix+t)
	}
	if len(types) == 0 {
		subjects = append(subjects, shopevent.SubjectPrefix+"*")
	}
	return jetstream.ConsumerConfig{
		Durable: name, FilterSubjects: subjects, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: Attempts,
		// The next event is delivered after the answer to the one before, so that they stay in order.
		MaxAckPending: 1,
	}
}

// deliver handles one message and answers it. An answer that is lost is one more delivery.
func (b *Bus) deliver(ctx context.Context, c Consumer, msg jetstream.Msg) {
	attempt := uint64(1)
	if meta, err := msg.Metadata(); err == nil {
		attempt = meta.NumDelivered
	}
	e, err := shopevent.Decode(msg.Data())
	if err != nil {
		err = Refuse(err)
	} else {
		err = b.handle(ctx, c, e, msg, attempt)
	}
	log := b.cfg.Log.With("consumer", c.Name, "event_id", e.ID, "type", e.Type, "attempt", attempt)
	var refused refusal
	switch {
	case err == nil:
		err = msg.Ack()
	case ctx.Err() != nil:
		return // it is delivered again, elsewhere
	case errors.As(err, &refused) || attempt >= Attempts:
		log.Error("event given up: it is a dead letter", "error", err)
		err = msg.TermWithReason(reason(err))
	default:
		log.Warn("event failed, trying again", "error", err)
		err = msg.NakWithDelay(retryPause << min(attempt-1, Attempts))
	}
	if err != nil {
		log.Warn("answer to the bus lost, the event is delivered again", "error", err)
	}
}

// reason is an error as one line for the dead letter.
func reason(err error) string {
	text := []rune(err.Error())
	for i, r := range text {
		if r < ' ' || r == 0x7f {
			text[i] = ' '
		}
	}
	return string(text[:min(len(text), maxReason)])
}

// handle calls the handler within a span that is linked with the sender's, and reports meanwhile to the server that the event
// is worked on.
func (b *Bus) handle(ctx context.Context, c Consumer, e shopevent.Event, msg jetstream.Msg, attempt uint64) error {
	defer every(workEvery, func() { _ = msg.InProgress() })()
	ctx = propagation.TraceContext{}.Extract(ctx, header(msg.Headers()))
	ctx, span := b.cfg.Tracer.Start(ctx, "process "+shopevent.SubjectPrefix+e.Type, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(trace.LinkFromContext(ctx)), trace.WithAttributes(attributesOf(msg.Subject(), e.ID, "process", "process")...),
		trace.WithAttributes(attribute.String("messaging.consumer.group.name", c.Name), attribute.Int64("messaging.delivery.attempt", int64(attempt))))
	defer span.End()
	for pause := retryPause; ; pause = min(2*pause, maxWait) {
		err := attemptOnce(ctx, c, e)
		var waits delay
		if !errors.As(err, &waits) {
			if err != nil {
				span.SetStatus(codes.Error, err.Error())
			}
			return err
		}
		if pause == retryPause {
			b.cfg.Log.WarnContext(ctx, "event waits", "consumer", c.Name, "event_id", e.ID, "error", err)
		}
		if sleep(ctx, pause); ctx.Err() != nil {
			return err
		}
	}
}

// attemptOnce calls the handler, whose panic is an error like any other.
func attemptOnce(ctx context.Context, c Consumer, e shopevent.Event) (err error) {
	ctx, cancel := context.WithTimeout(ctx, handleTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler of %s panicked: %v\n%s", c.Name, p, debug.Stack())
		}
	}()
	return c.Handle(ctx, e)
}

// every calls work at an interval until the function that it returns is called.
func every(interval time.Duration, work func()) (stop func()) {
	ended := make(chan struct{})
	go func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				work()
			}
		}
	}()
	return func() { close(ended) }
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
