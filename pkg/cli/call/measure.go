package call

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

// maxRepeats limits --repeat: it compares two ways to call, and is not a load test.
const maxRepeats = 10000

// measureView sums up many calls of one kind. Bytes are per call, on average.
type measureView struct {
	Calls  int     `json:"calls"`
	Failed int     `json:"failed"`
	P50    float64 `json:"p50_ms"`
	P95    float64 `json:"p95_ms"`
	P99    float64 `json:"p99_ms"`
	// Request and Answer are the messages; Sent and Received include everything on the connection.
	Request  int `json:"request_bytes"`
	Answer   int `json:"answer_bytes"`
	Sent     int `json:"sent_bytes"`
	Received int `json:"received_bytes"`
}

// measure makes a call many times over one connection, after one that opens it. once reports whether the
// call succeeded; an error ends the measurement.
func measure(ctx context.Context, m *call.Meter, repeat int, once func(context.Context) (bool, error)) (measureView, error) {
	view := measureView{}
	var samples []call.Sample
	for i := range repeat + 1 {
		m.Begin()
		good, err := once(ctx)
		if err != nil {
			return view, err
		}
		s := m.End()
		if i == 0 {
			continue
		}
		if !good {
			view.Failed++
		}
		samples = append(samples, s)
	}
	view.sum(samples)
	return view, nil
}

func (v *measureView) sum(samples []call.Sample) {
	n := len(samples)
	v.Calls = n
	if n == 0 {
		return
	}
	took := make([]time.Duration, n)
	var sent, received int64
	for i, s := range samples {
		took[i] = s.Took
		v.Request += s.Request
		v.Answer += s.Response
		sent += s.Sent
		received += s.Received
	}
	slices.Sort(took)
	at := func(q float64) float64 { return cmdutil.Millis(took[min(int(q*float64(n)), n-1)]) }
	v.P50, v.P95, v.P99 = at(0.50), at(0.95), at(0.99)
	v.Request, v.Answer = v.Request/n, v.Answer/n
	v.Sent, v.Received = int(sent)/n, int(received)/n
}

func printMeasure(ios *iostreams.IO, format string, v measureView) error {
	return ios.Print(format, v, func(w io.Writer) {
		t := iostreams.NewTable("CALLS", "FAILED", "P50", "P95", "P99", "REQUEST", "RESPONSE", "SENT", "RECEIVED")
		ms := func(v float64) string { return fmt.Sprintf("%.2fms", v) }
		bytes := func(n int) string { return strconv.Itoa(n) + "B" }
		t.Row(strconv.Itoa(v.Calls), strconv.Itoa(v.Failed), ms(v.P50), ms(v.P95), ms(v.P99), bytes(v.Request), bytes(v.Answer), bytes(v.Sent), bytes(v.Received))
		t.Write(w)
	})
}
