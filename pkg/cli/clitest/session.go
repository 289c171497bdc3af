package clitest

import (
	"context"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Token is that of every session of a FakeShop.
const Token = "token"

// BeginSession records the owner.
func (s *FakeShop) BeginSession(_ context.Context, req *controlpb.BeginSessionRequest) (*controlpb.BeginSessionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Sessions = append(s.Sessions, req.GetOwner())
	return &controlpb.BeginSessionResponse{Token: Token}, nil
}

// EndSession does nothing.
func (s *FakeShop) EndSession(context.Context, *controlpb.EndSessionRequest) (*controlpb.EndSessionResponse, error) {
	return &controlpb.EndSessionResponse{}, nil
}

// Admit implements control.Gate: it records the method.
func (s *FakeShop) Admit(ctx context.Context, method, _ string) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Limited = append(s.Limited, method)
	return ctx, nil
}
