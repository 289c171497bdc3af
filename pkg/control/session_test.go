package control

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// gated is a backend with one session.
type gated struct {
	backend
	seen []string
}

func (g *gated) Admit(ctx context.Context, method, token string) (context.Context, error) {
	g.seen = append(g.seen, method+" "+token)
	if token != "t" {
		return nil, errors.New("unknown")
	}
	return ctx, nil
}

func TestTheGateIsAskedAboutCallsOfASessionOnly(t *testing.T) {
	g := &gated{backend: backend{status: func() (*controlpb.StatusResponse, error) { return &controlpb.StatusResponse{}, nil }}}
	d := serveBackend(t, g)
	for token, want := range map[string]codes.Code{"": codes.OK, "t": codes.OK, "other": codes.Unknown} {
		c, err := DialSession(d, token)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Status(t.Context(), &controlpb.StatusRequest{}); status.Code(err) != want {
			t.Errorf("token %q: %v, want %v", token, err, want)
		}
		stream, err := c.Watch(t.Context(), &controlpb.WatchRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		if status.Code(err) != map[codes.Code]codes.Code{codes.OK: codes.Unimplemented, codes.Unknown: codes.Unknown}[want] {
			t.Errorf("token %q: stream: %v", token, err)
		}
		c.Close()
	}
	if len(g.seen) != 4 {
		t.Errorf("asked about %q", g.seen)
	}
}

func TestABackendWithoutSessionsRefusesEveryToken(t *testing.T) {
	d := serve(t, func() (*controlpb.StatusResponse, error) { return &controlpb.StatusResponse{}, nil })
	c, err := DialSession(d, "t")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Status(t.Context(), &controlpb.StatusRequest{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("got %v", err)
	}
}
