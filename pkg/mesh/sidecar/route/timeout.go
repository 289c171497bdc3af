package route

import (
	"strconv"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// streamLimit bounds a whole stream, its request included.
type streamLimit struct {
	limit time.Duration  // 0: none
	grpc  *time.Duration // gRPC's own timeout counts, up to this; 0: any
}

func compileStreamLimit(m *routev3.RouteAction_MaxStreamDuration) *streamLimit {
	if m == nil {
		return nil
	}
	s := &streamLimit{limit: m.GetMaxStreamDuration().AsDuration()}
	if longest := m.GetGrpcTimeoutHeaderMax(); longest != nil {
		d := longest.AsDuration()
		s.grpc = &d
	}
	return s
}

// Timeouts are those of one request. 0 is none.
type Timeouts struct {
	// Total runs from the end of the request to the end of the response, with all attempts and the waits between them.
	Total time.Duration
	// PerTry is that of one attempt. It is 0 where Total is not longer.
	PerTry time.Duration
	// Stream runs from the beginning of the request.
	Stream time.Duration
}

// Timeouts returns the timeouts of a request: for gRPC the smaller of the route's and its own.
func (r *Route) Timeouts(req *field.Request) Timeouts {
	t := Timeouts{Total: r.Timeout}
	if r.grpcTimeout != nil && req.IsGRPC() {
		own, _ := GRPCTimeout(req.Fields.Get("grpc-timeout"))
		t.Total = smaller(*r.grpcTimeout, own)
	}
	if r.Retry != nil && r.Retry.PerTry > 0 && (t.Total == 0 || r.Retry.PerTry < t.Total) {
		t.PerTry = r.Retry.PerTry
	}
	if r.stream != nil {
		t.Stream = r.stream.limit
		if own, ok := GRPCTimeout(req.Fields.Get("grpc-timeout")); ok && r.stream.grpc != nil {
			t.Stream = smaller(*r.stream.grpc, own)
		}
	}
	return t
}

// smaller is the smaller of two timeouts, of which 0 is none.
func smaller(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// GRPCTimeout reads a grpc-timeout: up to eight digits and a unit. A timeout of 0 has passed already: it becomes the
// smallest there is, since 0 is none elsewhere.
func GRPCTimeout(text string) (time.Duration, bool) {
	if len(text) < 2 || len(text) > 9 {
		return 0, false
	}
	unit, ok := grpcUnit(text[len(text)-1])
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 64)
	if err != nil || !ok {
		return 0, false
	}
	const longest = time.Duration(1<<63 - 1)
	if n > uint64(longest/unit) {
		return longest, true
	}
	return max(time.Duration(n)*unit, time.Nanosecond), true
}

func grpcUnit(c byte) (time.Duration, bool) {
	switch c {
	case 'H':
		return time.Hour, true
	case 'M':
		return time.Minute, true
	case 'S':
		return time.Second, true
	case 'm':
		return time.Millisecond, true
	case 'u':
		return time.Microsecond, true
	case 'n':
		return time.Nanosecond, true
	}
	return 0, false
}

// FormatGRPCTimeout writes a grpc-timeout, in the smallest unit that eight digits are enough for.
func FormatGRPCTimeout(d time.Duration) string {
	if d <= 0 {
		return "0n"
	}
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Nanosecond, "n"}, {time.Microsecond, "u"}, {time.Millisecond, "m"}, {time.Second, "S"}, {time.Minute, "M"}} {
		if n := (d + unit.length - 1) / unit.length; n <= 99999999 {
			return strconv.FormatInt(int64(n), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64((d+time.Hour-1)/time.Hour), 10) + "H"
}

// duration is a duration of a resource, or another where it has none.
func duration(d *durationpb.Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return d.AsDuration()
}
