package chassis

import (
	"context"
	"net"
	"time"
)

// DialTCP returns a dialer for protocols that are neither gRPC nor HTTP, such as Redis': each call
// connects to a ready instance of the service whose address the environment variable holds.
func (rt *Runtime) DialTCP(envVar string) (func(ctx context.Context) (net.Conn, error), error) {
	addr, err := rt.address(envVar)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: time.Second}
	return func(ctx context.Context) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", rt.endpoints.pick(addr))
	}, nil
}
