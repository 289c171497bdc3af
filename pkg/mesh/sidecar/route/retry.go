package route

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/match"
)

// condition bits of a retry policy.
const (
	on5xx = 1 << iota
	onGatewayError
	onReset
	onResetBeforeRequest
	onConnectFailure
	onRetriable4xx
	onRefusedStream
	onStatusCodes
	onHeaders
	onRateLimited
	onHTTP3ConnectFailure
	onCancelled
	onDeadlineExceeded
	onInternal
	onResourceExhausted
	onUnavailable
)

// retryOn are the conditions by their names.
func retryOn(name string) (uint32, bool) {
	switch name {
	case "5xx":
		return on5xx, true
	case "gateway-error":
		return onGatewayError, true
	case "reset":
		return onReset, true
	case "reset-before-request":
		return onResetBeforeRequest, true
	case "connect-failure":
		return onConnectFailure, true
	case "retriable-4xx":
		return onRetriable4xx, true
	case "refused-stream":
		return onRefusedStream, true
	case "retriable-status-codes":
		return onStatusCodes, true
	case "retriable-headers":
		return onHeaders, true
	case "envoy-ratelimited":
		return onRateLimited, true
	case "http3-post-connect-failure":
		return onHTTP3ConnectFailure, true
	case "cancelled":
		return onCancelled, true
	case "deadline-exceeded":
		return onDeadlineExceeded, true
	case "internal":
		return onInternal, true
	case "resource-exhausted":
		return onResourceExhausted, true
	case "unavailable":
		return onUnavailable, true
	}
	return 0, false
}

// RetryPolicy says which failures are tried again, how often and after how long.
type RetryPolicy struct {
	// Retries is how many attempts there are after the first.
	Retries uint32
	// PerTry bounds an attempt; 0: nothing does. See Route.Timeouts.
	PerTry time.Duration
	// AvoidPrevious: another host than those tried before is picked, if up to Reselect picks find one.
	AvoidPrevious bool
	Reselect      int

	on            uint32
	codes         []string
	headers       []match.Header
	base, longest time.Duration
}

const defaultBackoff = 25 * time.Millisecond

func compileRetry(in *routev3.RetryPolicy) (*RetryPolicy, error) {
	if in == nil {
		return nil, nil
	}
	p := &RetryPolicy{
		Retries: 1, PerTry: in.GetPerTryTimeout().AsDuration(), Reselect: int(in.GetHostSelectionRetryMaxAttempts()),
		base: duration(in.GetRetryBackOff().GetBaseInterval(), defaultBackoff),
	}
	if in.GetNumRetries() != nil {
		p.Retries = in.GetNumRetries().GetValue()
	}
	p.base = max(p.base, time.Millisecond)
	p.longest = max(duration(in.GetRetryBackOff().GetMaxInterval(), 10*p.base), p.base)
	for name := range strings.SplitSeq(in.GetRetryOn(), ",") {
		bit, known := retryOn(strings.TrimSpace(name))
		if !known && name != "" {
			return nil, fmt.Errorf("retry policy: %q is not a condition", name)
		}
		p.on |= bit
	}
	for _, code := range in.GetRetriableStatusCodes() {
		p.codes = append(p.codes, strconv.FormatUint(uint64(code), 10))
	}
	for _, h := range in.GetRetriableHeaders() {
		header, err := match.CompileHeader(h)
		if err != nil {
			return nil, fmt.Errorf("retry policy: %w", err)
		}
		p.headers = append(p.headers, header)
	}
	for _, predicate := range in.GetRetryHostPredicate() {
		if predicate.GetName() != "envoy.retry_host_predicates.previous_hosts" {
			return nil, fmt.Errorf("retry policy: the host predicate %q is not supported", predicate.GetName())
		}
		p.AvoidPrevious = true
	}
	return p, nil
}

// OnResponse reports whether a response is to be replaced by that of another attempt. Of a status of gRPC it sees the
// one among the headers: only a response without a body has it there.
func (p *RetryPolicy) OnResponse(headers field.Fields) bool {
	if p == nil {
		return false
	}
	status := headers.Get(":status")
	if p.onStatus(status) {
		return true
	}
	if p.on&onHeaders != 0 && len(p.headers) > 0 {
		r := field.Request{Fields: headers}
		for i := range p.headers {
			if p.headers[i].Fits(&r) {
				return true
			}
		}
	}
	if p.on&(onCancelled|onDeadlineExceeded|onInternal|onResourceExhausted|onUnavailable) == 0 {
		return false
	}
	return p.on&onGRPC(headers.Get("grpc-status")) != 0
}

func (p *RetryPolicy) onStatus(status string) bool {
	if len(status) != 3 {
		return false
	}
	switch {
	case p.on&on5xx != 0 && status[0] == '5':
		return true
	case p.on&onGatewayError != 0 && (status == "502" || status == "503" || status == "504"):
		return true
	case p.on&onRetriable4xx != 0 && status == "409":
		return true
	}
	return p.on&onStatusCodes != 0 && slices.Contains(p.codes, status)
}

// onGRPC is the condition that means a status of gRPC.
func onGRPC(status string) uint32 {
	switch status {
	case "1":
		return onCancelled
	case "4":
		return onDeadlineExceeded
	case "8":
		return onResourceExhausted
	case "13":
		return onInternal
	case "14":
		return onUnavailable
	}
	return 0
}

// Failure is how an attempt ended without a response.
type Failure int

// Failures of attempts.
const (
	// ConnectFailure: no connection was made, or not in time.
	ConnectFailure Failure = iota
	// RefusedStream: the callee did not begin with the request.
	RefusedStream
	// Reset: the callee ended the stream or the connection.
	Reset
	// ResetBeforeRequest is Reset, before any of the request was sent.
	ResetBeforeRequest
	// PerTryTimeout: the attempt took too long.
	PerTryTimeout
	// Overflow: a circuit breaker did not let the attempt through.
	Overflow
)

// OnReset reports whether an attempt that failed is followed by another.
func (p *RetryPolicy) OnReset(failure Failure) bool {
	if p == nil || failure == Overflow {
		return false
	}
	if p.on&(on5xx|onGatewayError|onReset) != 0 {
		return true
	}
	switch failure {
	case ConnectFailure:
		return p.on&onConnectFailure != 0
	case RefusedStream:
		return p.on&onRefusedStream != 0
	case ResetBeforeRequest:
		return p.on&onResetBeforeRequest != 0
	}
	return false
}

// Backoff is how long to wait before the nth retry, counted from 1: any time below (2^n - 1) times the base, and below
// the longest.
func (p *RetryPolicy) Backoff(n int, random Random) time.Duration {
	limit := p.longest
	if n < 20 {
		limit = min(limit, time.Duration(1<<n-1)*p.base)
	}
	if limit <= 0 {
		return 0
	}
	return time.Duration(random(uint64(limit)))
}
