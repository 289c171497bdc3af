package probe

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/rpc/code"
)

// unreached are the response flags of requests that have not come to an endpoint.
const unreached = ".*(NR|NC|UH|UF|UO).*"

// grown is the expression of how much istio_requests_total has grown in a window: what rate would not see of a series
// that began in it counts too.
func grown(by, selector string, window time.Duration) string {
	series := "istio_requests_total{" + selector + "}"
	return fmt.Sprintf("sum by (%s) (clamp_min(%s - (%s offset %ds or %s * 0), 0))", by, series, series, seconds(window), series)
}

// seconds are whole ones, one at least, as PromQL takes them.
func seconds(d time.Duration) int64 { return max(1, int64((d+time.Second-1)/time.Second)) }

// labels writes a selector of PromQL of pairs of a name and a value.
func labels(pairs ...string) string {
	var all []string
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, pairs[i]+"="+strconv.Quote(pairs[i+1]))
	}
	return strings.Join(all, ",")
}

// requests are those that sidecars have counted in a window, by the labels that are named. Without any, why is the reason.
func (env Env) requests(ctx context.Context, expr string) (counts []sample, why string) {
	samples, why := env.query(ctx, expr)
	return slices.DeleteFunc(samples, func(s sample) bool { return s.value == 0 }), why
}

// grpcStatus is the status of a request that a sidecar has counted; OK for HTTP without an error.
func (s sample) grpcStatus() codes.Code {
	if n, err := strconv.ParseUint(s.labels["grpc_response_status"], 10, 32); err == nil {
		return codes.Code(n)
	}
	if strings.HasPrefix(s.labels["response_code"], "5") || s.labels["response_code"] == "0" {
		return codes.Unavailable
	}
	return codes.OK
}

// failed reports whether a request failed by a fault of the callee or of the way to it, as the statistics of services count.
func (s sample) failed() bool {
	switch s.grpcStatus() {
	case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}

// failures are the statuses of the requests that have failed, by name.
func failures(counts []sample) []string {
	found := map[string]bool{}
	for _, s := range counts {
		if s.grpcStatus() != codes.OK {
			found[code.Name(s.grpcStatus())] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// total is the sum of the counts that fit.
func total(counts []sample, fits func(sample) bool) (n float64) {
	for _, s := range counts {
		if fits(s) {
			n += s.value
		}
	}
	return n
}
