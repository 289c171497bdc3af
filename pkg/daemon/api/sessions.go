package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/foreign"
	"github.com/shopctl/shopctl/pkg/resource/store"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// maxSessions bounds the sessions that were begun and never ended, by lessons that were killed.
const maxSessions = 256

// trustHint says how to give a lesson all permissions.
const trustHint = "read the lesson; if you trust its author: shopctl lesson play --trust DIR"

// session is a lesson by another author.
type session struct {
	// owner is the owner of its faults.
	owner string
}

// sessionsServer holds the sessions of lessons by other authors, and limits their calls.
type sessionsServer struct {
	limits foreign.Limits

	mu     sync.Mutex
	open   map[string]session
	oldest []string // tokens in the order of their beginning
}

func newSessionsServer(limits foreign.Limits) *sessionsServer {
	return &sessionsServer{limits: limits, open: map[string]session{}}
}

// BeginSession begins a session.
func (s *sessionsServer) BeginSession(_ context.Context, req *controlpb.BeginSessionRequest) (*controlpb.BeginSessionResponse, error) {
	if req.GetOwner() == "" {
		return nil, control.Error(codes.InvalidArgument, "begin session: the owner is missing", "", 2)
	}
	token := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.oldest) == maxSessions {
		delete(s.open, s.oldest[0])
		s.oldest = s.oldest[1:]
	}
	s.open[token] = session{owner: req.GetOwner()}
	s.oldest = append(s.oldest, token)
	return &controlpb.BeginSessionResponse{Token: token}, nil
}

// EndSession ends a session; one that has ended stays so.
func (s *sessionsServer) EndSession(_ context.Context, req *controlpb.EndSessionRequest) (*controlpb.EndSessionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, req.GetToken())
	s.oldest = slices.DeleteFunc(s.oldest, func(token string) bool { return token == req.GetToken() })
	return &controlpb.EndSessionResponse{}, nil
}

// admitted are the methods that a session may call. Those that change something are limited further.
var admitted = [...]string{
	"Status", "Watch", "Events", "Logs",
	"Apply", "Get", "Delete", "Edit",
	"InjectFault", "ListFaults", "ClearFaults",
	"ListTraces", "GetTrace", "FollowTraces", "QueryMetrics", "ListMetrics", "ListAlerts", "GetMap",
}

type sessionKey struct{}

// Admit implements control.Gate. Changes of objects in the context that it returns are checked.
func (s *sessionsServer) Admit(ctx context.Context, method, token string) (context.Context, error) {
	s.mu.Lock()
	known, ok := s.open[token]
	s.mu.Unlock()
	if !ok {
		return nil, control.Error(codes.PermissionDenied, "the lesson's session has ended, or belongs to another shop", "take the lesson again", 1)
	}
	if name := path.Base(method); !slices.Contains(admitted[:], name) {
		return nil, refused(fmt.Sprintf("call %s: a lesson by another author cannot do this", name))
	}
	return store.WithCheck(context.WithValue(ctx, sessionKey{}, known), s.limits.Check), nil
}

// sessionOf returns the session that a call belongs to; false for the user's own.
func sessionOf(ctx context.Context) (session, bool) {
	found, ok := ctx.Value(sessionKey{}).(session)
	return found, ok
}

// refused is the error of what only the user may do.
func refused(text string) error {
	return control.Error(codes.PermissionDenied, text, trustHint, 1)
}
