// Package bus sends and receives the shop's events over NATS JetStream.
//
// What a service sends is stored by the server before it is acknowledged, and delivered to each consumer at least once, one
// event after the other. A consumer must therefore be idempotent: see First. What it fails at several times is set aside
// as a dead letter, which can be sent to it again.
//
// A server that is gone stops nothing but the events: the connection is made again when it is back.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

const (
	// connectTimeout bounds one attempt to connect; reconnectPause is the time between two.
	connectTimeout, reconnectPause = 2 * time.Second, 500 * time.Millisecond
	// requestTimeout bounds a request to the server.
	requestTimeout = 5 * time.Second
	// keepEvents and keepBytes are for how long, and how many bytes of, events are kept for consumers that are away and
	// for replays. The oldest go first.
	keepEvents, keepBytes = 7 * 24 * time.Hour, 192 << 20
	// dedupeWindow is for how long the server drops a message with an id that it has stored.
	dedupeWindow = 2 * time.Minute
	// keepDeadLetters and maxDeadLetters bound the stream of dead letters. The event itself is in the other stream.
	keepDeadLetters, maxDeadLetters = 30 * 24 * time.Hour, 100_000
	// maxHeaders is what a message may have beside its event, in bytes.
	maxHeaders = 16 << 10
)

// Config says which server to use, and as whom.
type Config struct {
	// URL is "nats://host:4222", with a user and password or a token before the host where the server wants one; several,
	// separated by commas, are those of a cluster. "tls://" encrypts.
	URL string
	// Name is that of this client, which the server's own tools show.
	Name string
	// Now requires a server at once. Otherwise it is waited for in the background.
	Now bool
	// Log and Tracer may be nil.
	Log    *slog.Logger
	Tracer trace.Tracer
}

// Bus is a connection to the server. Its methods may be called from any goroutine.
type Bus struct {
	cfg  Config
	conn *nats.Conn
	js   jetstream.JetStream
}

// Connect prepares a connection. With Config.Now, it fails where no server answers.
func Connect(cfg Config) (*Bus, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Tracer == nil {
		cfg.Tracer = noop.NewTracerProvider().Tracer("")
	}
	conn, err := nats.Connect(cfg.URL,
		nats.Name(cfg.Name), nats.Timeout(connectTimeout), nats.RetryOnFailedConnect(!cfg.Now), nats.IgnoreDiscoveredServers(),
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnectPause),
		// What is sent while there is no connection fails at once: the sender keeps it, in order.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				cfg.Log.Warn("connection to the bus lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { cfg.Log.Info("connected to the bus again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { cfg.Log.Warn("bus", "error", err) }),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to the bus: %w", err) // the URL may hold a password
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncTimeout(requestTimeout), jetstream.WithDefaultTimeout(requestTimeout))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect to the bus: %w", err)
	}
	return &Bus{cfg: cfg, conn: conn, js: js}, nil
}

// Close closes the connection.
func (b *Bus) Close() { b.conn.Close() }

// Connected reports whether there is a connection now.
func (b *Bus) Connected() bool { return b.conn.IsConnected() }

// streams makes the streams where they are missing. Those that are there stay as they are: the operator of
// the server may have made them with replicas, or other limits.
func (b *Bus) streams(ctx context.Context) error {
	for _, cfg := range []jetstream.StreamConfig{
		{
			Name: shopevent.Stream, Description: "events of the shop", Subjects: []string{shopevent.SubjectPrefix + "*", shopevent.RedrivePrefix + "*"},
			MaxAge: keepEvents, MaxBytes: keepBytes, MaxMsgSize: shopevent.MaxBytes + maxHeaders, Duplicates: dedupeWindow,
		},
		{
			Name: shopevent.DeadLetters, Description: "messages that consumers of the shop gave up", MaxAge: keepDeadLetters, MaxMsgs: maxDeadLetters,
			Subjects: []string{advisory(maxDeliveries, ">"), advisory(terminated, ">")},
		},
	} {
		_, err := b.js.Stream(ctx, cfg.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			_, err = b.js.CreateStream(ctx, cfg)
			if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another was quicker
				err = nil
			}
		}
		if err != nil {
			return fmt.Errorf("make the stream %s: %w", cfg.Name, explain(err))
		}
	}
	return nil
}

// Advisories of JetStream about messages that a consumer does not get any more.
const (
	maxDeliveries = "MAX_DELIVERIES"
	terminated    = "MSG_TERMINATED"
)

// advisory is the subject of advisories about a consumer of the stream of events.
func advisory(kind, consumer string) string {
	return "$JS.EVENT.ADVISORY.CONSUMER." + kind + "." + shopevent.Stream + "." + consumer
}

// explain says what an error of the client means.
func explain(err error) error {
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		return fmt.Errorf("the server has no JetStream: %w", err)
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionReconnecting):
		return errors.New("not connected to the server")
	}
	return err
}
