package control

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// sessionKey is the metadata key of the token of a session.
const sessionKey = "shopctl-session"

// Gate is a Backend with sessions that may do less than the user.
type Gate interface {
	// Admit returns the context for a call with the token of a session, or why the call is refused. method is the full
	// name: "/shopctl.control.v1.Shop/Apply".
	Admit(ctx context.Context, method, token string) (context.Context, error)
}

// session is the token that a client sends with each call.
type session string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (s session) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{sessionKey: string(s)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials. The socket is the user's own.
func (session) RequireTransportSecurity() bool { return false }

// admit asks the gate about a call with a token. A backend without sessions knows no token.
func (s *Server) admit(ctx context.Context, method string) (context.Context, error) {
	tokens := metadata.ValueFromIncomingContext(ctx, sessionKey)
	if len(tokens) == 0 {
		return ctx, nil
	}
	if s.gate == nil || len(tokens) > 1 {
		return nil, Error(codes.PermissionDenied, "the session is unknown", "", 0)
	}
	return s.gate.Admit(ctx, method, tokens[0])
}

// admittedStream is a stream with the context of its session.
type admittedStream struct {
	grpc.ServerStream
	ctx func() context.Context
}

// Context returns the stream's context.
func (s admittedStream) Context() context.Context { return s.ctx() }
