package proxy

import (
	"context"
	"errors"
	"net"

	"golang.org/x/net/http2"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/route"
)

// failure is how an attempt ended without a response.
type failure struct {
	reason    string // of the response's text
	transport string
	flag      record.Flags
	retry     route.Failure
	status    int
}

func overflow() failure {
	return failure{reason: "overflow", flag: record.UO, retry: route.Overflow, status: 503}
}

func connectFailure(err error) failure {
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return failure{reason: "connection timeout", flag: record.UF, retry: route.ConnectFailure, status: 503}
	}
	return failure{
		reason: "remote connection failure", transport: transportFailure(err), flag: record.UF, retry: route.ConnectFailure, status: 503,
	}
}

func resetFailure(err *h2.StreamError, sent bool) failure {
	f := failure{reason: "connection termination", flag: record.UC, retry: route.Reset, status: 503}
	if !sent {
		f.retry = route.ResetBeforeRequest
	}
	switch {
	case err.Kind == h2.ProtocolError:
		f.reason, f.flag, f.status = "protocol error", record.UPE, 502
	case err.Kind == h2.RemoteReset && err.Code == http2.ErrCodeRefusedStream:
		f.reason, f.flag, f.retry = "remote refused stream reset", record.UR, route.RefusedStream
	case err.Kind == h2.RemoteReset:
		f.reason, f.flag = "remote reset", record.UR
	}
	return f
}
