package h2

import (
	"errors"
	"fmt"

	"golang.org/x/net/http2"
)

var (
	// ErrNoCapacity is returned by Open when as many streams are open as the peer permits. Options.Changed is called once one ends.
	ErrNoCapacity = errors.New("open stream: the peer permits no more at a time")
	// ErrGoingAway is returned for a stream that cannot start because the connection ends. Nothing of it has been sent.
	ErrGoingAway = errors.New("open stream: the connection is ending")
	// ErrStreamClosed is returned by writes to a stream that has ended, by either side.
	ErrStreamClosed = errors.New("write to stream: the stream has ended")
	// ErrHeaderListSize is returned for fields of which the peer has said that it would refuse them. Nothing has been sent.
	ErrHeaderListSize = errors.New("write headers: more than the peer accepts")

	errClosed = errors.New("connection closed on this side")
)

// Kind says who ended a stream.
type Kind uint8

const (
	// RemoteReset is an RST_STREAM of the peer, or a GOAWAY that excludes the stream, which counts as REFUSED_STREAM.
	RemoteReset Kind = iota + 1
	// ConnectionLost is the end of the connection, for whatever reason but the next.
	ConnectionLost
	// ProtocolError is a violation of HTTP/2 by the peer, on the stream or on the connection.
	ProtocolError
)

// StreamError is why a stream ended before both sides had finished it.
type StreamError struct {
	Kind   Kind
	Code   http2.ErrCode // the code of the peer's RST_STREAM, or of what was sent to it
	Reason string        // for a log: what the peer did, or how the connection was lost
}

func (e *StreamError) Error() string {
	switch e.Kind {
	case RemoteReset:
		return fmt.Sprintf("stream reset by the peer: %s", e.text())
	case ProtocolError:
		return fmt.Sprintf("protocol error: %s", e.text())
	default:
		return fmt.Sprintf("connection lost: %s", e.Reason)
	}
}

func (e *StreamError) text() string {
	if e.Reason == "" {
		return e.Code.String()
	}
	return e.Code.String() + ": " + e.Reason
}

// connError ends a connection: the peer is sent GOAWAY with its code and reason.
type connError struct {
	code   http2.ErrCode
	reason string
}

func (e *connError) Error() string { return e.code.String() + ": " + e.reason }

func protocolError(reason string) error { return &connError{http2.ErrCodeProtocol, reason} }

func calm(reason string) error { return &connError{http2.ErrCodeEnhanceYourCalm, reason} }

// Violation returns what a peer did against HTTP/2 if that is why its connection ended.
func Violation(err error) (reason string, ok bool) {
	e, ok := errors.AsType[*connError](err)
	if !ok {
		return "", false
	}
	return e.Error(), true
}
