package route

import (
	"fmt"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	corsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	faultv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/match"
)

// The filters that a route configures, by Envoy's names.
const (
	FaultFilter = "envoy.filters.http.fault"
	CORSFilter  = "envoy.filters.http.cors"
)

func (r *Route) compileFilters(in *routev3.Route) error {
	for name, config := range in.GetTypedPerFilterConfig() {
		var err error
		switch name {
		case FaultFilter:
			var fault faultv3.HTTPFault
			if err = config.UnmarshalTo(&fault); err == nil {
				r.Fault, err = CompileFault(&fault)
			}
		case CORSFilter:
			var cors corsv3.CorsPolicy
			if err = config.UnmarshalTo(&cors); err == nil {
				r.CORS, err = compileCORS(&cors)
			}
		default:
			err = fmt.Errorf("the filter is not supported")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// Share is a part of all requests: n of each of.
type Share struct{ n, of uint64 }

// always is all of them.
var always = Share{1, 1}

func compileShare(p *typev3.FractionalPercent) Share {
	of := uint64(100)
	switch p.GetDenominator() {
	case typev3.FractionalPercent_TEN_THOUSAND:
		of = 10_000
	case typev3.FractionalPercent_MILLION:
		of = 1_000_000
	}
	return Share{uint64(p.GetNumerator()), of}
}

// Hits throws the dice for a request.
func (s Share) Hits(random Random) bool {
	switch {
	case s.n == 0:
		return false
	case s.n >= s.of:
		return true
	}
	return random(s.of) < s.n
}

// Fault is what is injected into requests. Delay and abort have dice of their own.
type Fault struct {
	delay      time.Duration
	delayShare Share
	abort      *Abort
	abortShare Share
	headers    []match.Header
}

// Abort is the end of a request before it is routed.
type Abort struct {
	// HTTP is the status, 0 where it is gRPC's.
	HTTP int
	GRPC codes.Code
}

// CompileFault compiles a fault of a route, or of all requests of a listener.
func CompileFault(in *faultv3.HTTPFault) (*Fault, error) {
	f := &Fault{}
	if in.GetResponseRateLimit() != nil || len(in.GetDownstreamNodes()) > 0 {
		return nil, fmt.Errorf("a fault by rate or by node is not supported")
	}
	if delay := in.GetDelay(); delay != nil {
		if delay.GetHeaderDelay() != nil {
			return nil, fmt.Errorf("a delay by header is not supported")
		}
		f.delay, f.delayShare = delay.GetFixedDelay().AsDuration(), compileShare(delay.GetPercentage())
	}
	if abort := in.GetAbort(); abort != nil {
		f.abortShare = compileShare(abort.GetPercentage())
		switch kind := abort.GetErrorType().(type) {
		case *faultv3.FaultAbort_HttpStatus:
			f.abort = &Abort{HTTP: int(kind.HttpStatus)}
		case *faultv3.FaultAbort_GrpcStatus:
			f.abort = &Abort{GRPC: codes.Code(kind.GrpcStatus)}
		default:
			return nil, fmt.Errorf("an abort by %T is not supported", kind)
		}
	}
	for _, h := range in.GetHeaders() {
		header, err := match.CompileHeader(h)
		if err != nil {
			return nil, err
		}
		f.headers = append(f.headers, header)
	}
	return f, nil
}

// Roll throws the dice for a request: how long it is held back, 0 not at all, and how it ends then, nil: it goes on. A
// nil fault does nothing.
func (f *Fault) Roll(r *field.Request, random Random) (time.Duration, *Abort) {
	if f == nil {
		return 0, nil
	}
	for i := range f.headers {
		if !f.headers[i].Fits(r) {
			return 0, nil
		}
	}
	var delay time.Duration
	if f.delay > 0 && f.delayShare.Hits(random) {
		delay = f.delay
	}
	if f.abort != nil && f.abortShare.Hits(random) {
		return delay, f.abort
	}
	return delay, nil
}
