package chassis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/rpc/code"
)

// faultTable holds the faults that the daemon injects into this instance. Without faults, a call costs one atomic load.
type faultTable struct {
	workload string
	active   atomic.Pointer[[]fault]
}

type fault struct {
	lifeline.Fault
	director *director // nil: it has none
	code     codes.Code
	// mark is the attributes of the spans of affected calls.
	mark []attribute.KeyValue
}

func (t *faultTable) set(faults []lifeline.Fault) {
	before := t.active.Load()
	if len(faults) == 0 {
		t.active.Store(nil)
		return
	}
	list := make([]fault, 0, len(faults))
	for _, f := range faults {
		failure := codes.OK
		if f.Code != "" {
			// An unknown name still fails the call: a fault without any effect would mislead.
			failure, _ = code.Parse(f.Code)
		}
		mark := []attribute.KeyValue{attribute.String("shopctl.fault", f.ID), attribute.String("shopctl.fault.effect", effect(f))}
		list = append(list, fault{f, directorAt(f.Director, before), failure, mark})
	}
	t.active.Store(&list)
}

// effect describes what a fault does to a call: "+500ms", "UNAVAILABLE".
func effect(f lifeline.Fault) string {
	var words []string
	if f.Delay > 0 {
		words = append(words, "+"+f.Delay.String())
	}
	if f.Code != "" {
		words = append(words, f.Code)
	}
	return strings.Join(words, " ")
}

// inject delays or fails a call of a method if a fault matches.
func (t *faultTable) inject(ctx context.Context, method string) error {
	active := t.active.Load()
	if active == nil || isInfrastructure(method) {
		return nil
	}
	var mark []attribute.KeyValue
	for _, f := range *active {
		if f.director != nil || !f.matches(method) || rand.Float64()*100 >= f.Percent {
			continue
		}
		mark = joined(mark, f.mark)
		trace.SpanFromContext(ctx).SetAttributes(mark...)
		if err := wait(ctx, f.Delay); err != nil {
			return status.FromContextError(err).Err()
		}
		if f.code != codes.OK {
			return status.Error(f.code, fmt.Sprintf("injected fault %s: %s for %g%% of calls", f.ID, f.Code, f.Percent))
		}
	}
	return nil
}

// joined are the marks of a call that several faults affect: "f1,f2".
func joined(before, mark []attribute.KeyValue) []attribute.KeyValue {
	if before == nil {
		return mark
	}
	all := make([]attribute.KeyValue, len(mark))
	for i, kv := range mark {
		all[i] = attribute.String(string(kv.Key), before[i].Value.AsString()+","+kv.Value.AsString())
	}
	return all
}

func (f fault) matches(method string) bool {
	switch {
	case f.Method == "" || f.Method == method:
		return true
	case strings.HasPrefix(f.Method, "/"):
		return strings.HasPrefix(method, f.Method)
	default:
		return strings.EqualFold(method[strings.LastIndex(method, "/")+1:], f.Method)
	}
}

// isInfrastructure reports whether method serves the platform rather than the shop's users: health,
// reflection, and HTTP paths below /-/, which are for operators as in Prometheus.
func isInfrastructure(method string) bool {
	return strings.HasPrefix(method, "/grpc.health.") || strings.HasPrefix(method, "/grpc.reflection.") ||
		strings.HasPrefix(method, "/-/") || strings.HasSuffix(method, "healthz")
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *faultTable) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := t.inject(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	if f := t.directed(info.FullMethod); f != nil {
		return t.direct(ctx, f, req, info.FullMethod, next)
	}
	return next(ctx, req)
}

func (t *faultTable) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := t.inject(s.Context(), info.FullMethod); err != nil {
		return err
	}
	return next(srv, s)
}

func (t *faultTable) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := t.inject(r.Context(), r.URL.Path); err != nil {
			http.Error(w, status.Convert(err).Message(), httpStatus(status.Code(err)))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// httpStatus maps a gRPC code as Envoy does (google.rpc.Code's own comments name the same).
func httpStatus(c codes.Code) int {
	switch c {
	case codes.OK:
		return http.StatusOK
	case codes.Canceled:
		return 499
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return http.StatusBadRequest
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	case codes.NotFound:
		return http.StatusNotFound
	case codes.AlreadyExists, codes.Aborted:
		return http.StatusConflict
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Unimplemented:
		return http.StatusNotImplemented
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	default:
		return http.StatusInternalServerError
	}
}
