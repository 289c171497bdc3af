package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/fullstorydev/grpcurl"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
)

// Request is one call.
type Request struct {
	Target Target
	// Method is a name as Resolve takes it.
	Method string
	// Messages are JSON values that follow one another: one at most for a method whose client does
	// not stream. Without any, such a method gets an empty message. If it does stream, Messages is read as
	// messages are sent, from a goroutine that outlives a call which ends before the reading does.
	Messages io.Reader
	// Headers are "name: value"; values of names that end in -bin are base64.
	Headers []string
	// Deadline bounds the call: 0 means DefaultDeadline without streams and none with them, a negative
	// one none.
	Deadline time.Duration
	// Trace makes the call the root of a trace that is sampled.
	Trace bool
	// Text: messages both ways are in protobuf's text format in place of JSON; requests that follow one another have the
	// character 0x1E between them, and so have responses. OnMessage must be set.
	Text bool
	// AllowUnknown ignores fields of JSON messages that their type does not have; without, they are refused.
	AllowUnknown bool
	// EmitDefaults writes fields that have their default value, too.
	EmitDefaults bool
	// OnMessage, if set, gets each response message as it arrives, and the Result none of them: a
	// stream may last for a long time. With Text, what it gets is text.
	OnMessage func(json.RawMessage)
}

// Result is the outcome of a call that was made, whether it succeeded or not.
type Result struct {
	Method Method
	// Messages are the responses as indented JSON, unless Request.OnMessage took them.
	Messages []json.RawMessage
	// Status is never nil.
	Status *status.Status
	// Details are those of the status as JSON, each with its "@type".
	Details []json.RawMessage
	// Header and Trailer are the metadata that the server sent.
	Header, Trailer metadata.MD
	Duration        time.Duration
	// TraceID is 32 hexadecimal digits; empty if the call was not traced from here.
	TraceID string
}

// Invoke calls a method. An error means that the call was not made, and is an *Invalid if the request is
// at fault; a call that fails, also for lack of a connection, is a Result with that status.
func (c *Caller) Invoke(ctx context.Context, r Request) (*Result, error) {
	p, err := c.peer(r.Target)
	if err != nil {
		return nil, err
	}
	headers, traceID, err := c.headers(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.Deadline > 0 {
		ctx, cancel = context.WithTimeout(ctx, r.Deadline)
		defer cancel()
	}
	start := c.cfg.Now()
	in, err := p.prepare(ctx, r)
	if err != nil {
		if st, ok := statusOf(err); ok {
			return &Result{Status: st, Duration: c.cfg.Now().Sub(start), TraceID: traceID}, nil
		}
		return nil, err
	}
	if p.conn == nil {
		return nil, fmt.Errorf("call %s: %w", r.Target.Name, ErrNotRunning)
	}
	if r.Deadline == 0 && !in.method.ClientStreams && !in.method.ServerStreams {
		ctx, cancel = context.WithTimeout(ctx, DefaultDeadline)
		defer cancel()
	}
	result := &Result{Method: in.method, TraceID: traceID}
	err = in.invoke(ctx, p.conn, headers, r, result)
	result.Duration = c.cfg.Now().Sub(start)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// statusOf finds the status in an error that a server, or the connection to it, gave.
func statusOf(err error) (*status.Status, bool) {
	var carrier interface{ GRPCStatus() *status.Status }
	if errors.As(err, &carrier) {
		return carrier.GRPCStatus(), true
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return status.FromContextError(err), true
	}
	return nil, false
}

// input is a call that is ready to be made: the method, and where its messages come from.
type input struct {
	method Method
	next   func(ctx context.Context) ([]byte, error) // io.EOF at the end
}

// prepare resolves the method and, unless the client streams, reads and checks its message, all
// before anything is sent. If something does not fit a contract that was kept, it is fetched again.
func (p *peer) prepare(ctx context.Context, r Request) (*input, error) {
	method, fresh, err := p.resolve(ctx, r.Method)
	if err != nil {
		return nil, err
	}
	decode := method.decoder(r)
	var stream messageStream = newMessages(r.Messages, MaxMessage)
	if r.Text {
		stream = newTextMessages(r.Messages, MaxMessage)
	}
	if method.ClientStreams {
		return &input{method: method, next: pump(ctx, stream, decode)}, nil
	}
	raw, err := single(stream, method)
	if err != nil {
		return nil, err
	}
	wire, err := decode(raw)
	if err != nil && !fresh && p.conn != nil && p.linked == nil {
		if _, fetchErr := p.fetch(ctx); fetchErr == nil {
			if method, _, err = p.resolve(ctx, method.Full()); err == nil {
				wire, err = method.decoder(r)(raw)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	sent := false
	return &input{method: method, next: func(context.Context) ([]byte, error) {
		if sent {
			return nil, io.EOF
		}
		sent = true
		return wire, nil
	}}, nil
}

// single reads the one message of a method whose client does not stream; an empty one if there is none.
func single(stream messageStream, m Method) (json.RawMessage, error) {
	raw, err := stream.next()
	if errors.Is(err, io.EOF) {
		return stream.empty(), nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := stream.next(); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, err
		}
		return nil, &Invalid{
			Text: fmt.Sprintf("%s takes one message, and there are more", m.Name),
			Hint: "call it once for each message",
		}
	}
	return raw, nil
}

// decoder is what reads the messages of a request.
func (m Method) decoder(r Request) func(json.RawMessage) ([]byte, error) {
	if r.Text {
		return m.decodeText
	}
	return func(raw json.RawMessage) ([]byte, error) { return m.decode(raw, r.AllowUnknown) }
}

func (m Method) decode(raw json.RawMessage, allowUnknown bool) ([]byte, error) {
	wire, err := decode(raw, m.descriptor.Input(), resolver{m.contract.source}, allowUnknown)
	var invalid *Invalid
	if errors.As(err, &invalid) && invalid.Hint == "" {
		invalid.Hint = fmt.Sprintf("the message is a %s", m.Input)
	}
	return wire, err
}

// pump reads and checks messages in the background, so that a call that ends, or whose time is up, does
// not wait for input.
func pump(ctx context.Context, stream messageStream, decode func(json.RawMessage) ([]byte, error)) func(context.Context) ([]byte, error) {
	type item struct {
		wire []byte
		err  error
	}
	items := make(chan item)
	start := sync.OnceFunc(func() {
		go func() {
			for {
				raw, err := stream.next()
				var wire []byte
				if err == nil {
					wire, err = decode(raw)
				}
				select {
				case items <- item{wire, err}:
				case <-ctx.Done():
					return
				}
				if err != nil {
					return
				}
			}
		}()
	})
	return func(ctx context.Context) ([]byte, error) {
		start()
		select {
		case i := <-items:
			return i.wire, i.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// invoke makes the call and fills in the result.
func (in *input) invoke(ctx context.Context, conn *grpc.ClientConn, headers []string, r Request, result *Result) error {
	source := in.method.contract.source
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	rec := &recorder{
		result: result, onMessage: r.OnMessage, ended: make(chan struct{}), stopWaiting: stop,
		json: grpcurl.NewJSONFormatter(r.EmitDefaults, grpcurl.AnyResolverFromDescriptorSourceWithFallback(source)),
	}
	if r.Text {
		rec.text = grpcurl.NewTextFormatter(true)
	}
	channel := &rememberingConn{ClientConnInterface: conn}
	var supplyErr error
	err := grpcurl.InvokeRPC(ctx, source, channel, in.method.Full(), headers, rec, func(m protoadapt.MessageV1) error {
		wire, err := in.next(waiting)
		if err != nil && rec.hasEnded() {
			return io.EOF // The server has ended the call while a message was awaited.
		}
		if err == nil {
			err = unmarshal(wire, m)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			supplyErr = err
		}
		return err
	})
	switch {
	case rec.err != nil:
		return fmt.Errorf("call %s: %w", in.method.Full(), rec.err)
	case supplyErr != nil:
		if st, ok := statusOf(supplyErr); ok {
			result.Status = st
			return nil
		}
		return supplyErr
	case err != nil:
		return fmt.Errorf("call %s: %w", in.method.Full(), err)
	case result.Status == nil:
		// grpcurl keeps the error to itself when a stream does not even begin.
		result.Status = status.Convert(channel.err)
	}
	return rec.details()
}

// unmarshal reads the wire form into a message that grpcurl made: a dynamic one, or the generated one of a
// well-known type.
func unmarshal(wire []byte, m protoadapt.MessageV1) error {
	if dynamic, ok := m.(interface{ Unmarshal([]byte) error }); ok {
		return dynamic.Unmarshal(wire)
	}
	return proto.Unmarshal(wire, protoadapt.MessageV2Of(m))
}

// rememberingConn remembers why a stream did not begin.
type rememberingConn struct {
	grpc.ClientConnInterface
	err error
}

// NewStream begins a stream.
func (c *rememberingConn) NewStream(ctx context.Context, d *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := c.ClientConnInterface.NewStream(ctx, d, method, opts...)
	c.err = err
	return s, err
}
