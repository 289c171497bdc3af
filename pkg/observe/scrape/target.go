package scrape

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/prometheus/model/labels"
)

// Target is one running instance that has metrics.
type Target struct {
	// Run names one run of one instance: another run is another target.
	Run string
	// Addr serves metrics over HTTP; Path is /metrics, and Scheme http, if they are empty.
	Addr, Path, Scheme string
	// Gatherer has the metrics of this process itself; Addr does not matter then.
	Gatherer prometheus.Gatherer
	// Labels of all its series: job, instance, ...
	Labels labels.Labels
	// ServiceFrom names a label of its own that, on a series that has it, takes the place of the label
	// service in Labels: the target holds several. Empty: none does.
	ServiceFrom string
}

// Status is how the last scrape of a target went.
type Status struct {
	Target
	// Health is up, down, or unknown before the first scrape has ended.
	Health string
	Err    error
	Last   time.Time
	Took   time.Duration
}

// The healths of a target, as Prometheus names them.
const (
	Up      = "up"
	Down    = "down"
	Unknown = "unknown"
)

// Limits bound what one target may send; what is zero has a default.
type Limits struct {
	// Body in bytes; default 4 MiB.
	Body int64
	// Samples of one scrape; default 10,000.
	Samples int
	// Labels of one sample, and the length of a name and of a value, in bytes; default 40, 256 and 2,048.
	Labels, Name, Value int
	// Timeout of a scrape; default 2 s.
	Timeout time.Duration
}

func (l *Limits) setDefaults() {
	def := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	if l.Body == 0 {
		l.Body = 4 << 20
	}
	if l.Timeout == 0 {
		l.Timeout = Timeout
	}
	def(&l.Samples, 10_000)
	def(&l.Labels, 40)
	def(&l.Name, 256)
	def(&l.Value, 2048)
}

// accept prefers the plain format: it is the one that is read fastest, and what OpenMetrics has beyond it
// (exemplars, start times) is not kept.
const accept = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.8, */*;q=0.1"

// body is the response of a target.
type body struct {
	text        []byte
	contentType string
}

// url is where the metrics of a target are.
func (t Target) url() string {
	path := cmp.Or(t.Path, "/metrics")
	if path[0] != '/' {
		path = "/" + path
	}
	return cmp.Or(t.Scheme, "http") + "://" + t.Addr + path
}

// read gets the metrics of a target.
func (s *Scraper) read(ctx context.Context, t Target) (body, error) {
	if t.Gatherer != nil {
		return gather(t.Gatherer)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Limits.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url(), nil)
	if err != nil {
		return body{}, fmt.Errorf("read metrics: %w", err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "shopctl")
	resp, err := s.http.Do(req)
	if err != nil {
		return body{}, fmt.Errorf("read metrics: %w", unwrapURL(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return body{}, fmt.Errorf("read metrics: server returned HTTP status %s", resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, s.cfg.Limits.Body+1))
	if err != nil {
		return body{}, fmt.Errorf("read metrics: %w", err)
	}
	if int64(len(text)) > s.cfg.Limits.Body {
		return body{}, fmt.Errorf("read metrics: the response is larger than %d bytes", s.cfg.Limits.Body)
	}
	return body{text: text, contentType: resp.Header.Get("Content-Type")}, nil
}

// unwrapURL leaves out method and address, which the target's own labels tell.
func unwrapURL(err error) error {
	var wrapped interface {
		error
		Unwrap() error
		Timeout() bool
	}
	if errors.As(err, &wrapped) {
		if wrapped.Timeout() {
			return errors.New("no response in time")
		}
		if inner := wrapped.Unwrap(); inner != nil {
			return inner
		}
	}
	return err
}

// gather writes this process' own metrics as a target would.
func gather(g prometheus.Gatherer) (body, error) {
	families, err := g.Gather()
	if err != nil {
		return body{}, fmt.Errorf("gather own metrics: %w", err)
	}
	var w writer
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	enc := expfmt.NewEncoder(&w, format)
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			return body{}, fmt.Errorf("encode own metrics: %w", err)
		}
	}
	return body{text: w, contentType: string(format)}, nil
}

// writer appends to a slice.
type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}
