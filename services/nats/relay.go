package nats

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// acceptPause is the time before the next connection is accepted where there are too many.
const acceptPause = 10 * time.Millisecond

// relay connects the clients of a listener with a server that has none.
type relay struct {
	server *server.Server
	wg     sync.WaitGroup
}

// serve serves l until ctx ends, and returns when the last connection is closed.
func (r *relay) serve(ctx context.Context, l net.Listener) {
	defer r.wg.Wait()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			r.wg.Go(func() { r.connect(ctx, conn) })
		case errors.Is(err, net.ErrClosed):
			return
		default: // out of file descriptors: let others finish
			select {
			case <-ctx.Done():
				return
			case <-time.After(acceptPause):
			}
		}
	}
}

// connect copies in both directions until one side closes the connection, or ctx ends.
func (r *relay) connect(ctx context.Context, client net.Conn) {
	defer client.Close()
	inner, err := r.server.InProcessConn()
	if err != nil {
		return // it shuts down
	}
	defer inner.Close()
	defer context.AfterFunc(ctx, func() { _ = inner.Close() })()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(inner, client)
		_ = inner.Close()
	}()
	_, _ = io.Copy(client, inner)
	_ = client.Close()
	<-ended
}
