package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// States of a load generator, besides "running" and "done" (its duration is over).
const (
	StateIdle    = "idle"    // the rate is 0
	StateWaiting = "waiting" // for the storefront's first response
)

// Status is the report of a load generator. Latencies are measured from the moment a step was
// due, not from when it could be sent, so that a storefront that stalls cannot hide it.
type Status struct {
	State string  `json:"state"`
	Rate  float64 `json:"rate"`
	Seed  uint64  `json:"seed"`
	Users int     `json:"users"`
	// Running is true while steps are sent.
	Running bool `json:"running"`
	// Started is when the first step was due; the zero time before.
	Started time.Time `json:"started,omitzero"`
	// DurationMS is how long the load lasts, 0: until stopped; ElapsedMS how long it has run.
	DurationMS int64 `json:"duration_ms"`
	ElapsedMS  int64 `json:"elapsed_ms"`
	// Requests are finished steps, good or bad; InFlight those that are due and not finished.
	Requests int64 `json:"requests"`
	InFlight int64 `json:"in_flight"`
	// Errors are steps without a response, with a status of 400 or more, and orders without a confirmation.
	Errors     int64   `json:"errors"`
	ErrorRatio float64 `json:"error_ratio"`
	// RPS is Requests over the elapsed time.
	RPS        float64         `json:"rps"`
	P50MS      float64         `json:"p50_ms"`
	P95MS      float64         `json:"p95_ms"`
	P99MS      float64         `json:"p99_ms"`
	MaxMS      float64         `json:"max_ms"`
	ByTask     map[string]Task `json:"by_task"`
	LastErrors []Failure       `json:"last_errors"`
}

// Task is the part of one kind of step: index, set_currency, browse_product, add_to_cart, view_cart, checkout.
type Task struct {
	Requests int64   `json:"requests"`
	Errors   int64   `json:"errors"`
	P50MS    float64 `json:"p50_ms"`
	P95MS    float64 `json:"p95_ms"`
	P99MS    float64 `json:"p99_ms"`
	MaxMS    float64 `json:"max_ms"`
}

// Failure is one step that went wrong.
type Failure struct {
	Time  time.Time `json:"time"`
	Task  string    `json:"task"`
	Error string    `json:"error"`
}

// maxStatus bounds what Fetch reads; a real status has a few kilobytes.
const maxStatus = 1 << 20

// Fetch gets the status of the load generator at an address, "127.0.0.1:41234" or a base URL.
func Fetch(ctx context.Context, client *http.Client, address string) (Status, error) {
	var s Status
	base := strings.TrimSuffix(address, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/-/status", http.NoBody)
	if err != nil {
		return s, fmt.Errorf("get status of load generator: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return s, fmt.Errorf("get status of load generator: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s, fmt.Errorf("get status of load generator at %s: HTTP status %s", address, resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxStatus)).Decode(&s); err != nil {
		return s, fmt.Errorf("read status of load generator: %w", err)
	}
	return s, nil
}
