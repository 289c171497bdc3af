package loadgenerator

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Bounds of one step: longer than the shop's own deadlines, as in a browser.
const (
	stepTimeout = 15 * time.Second
	maxPage     = 1 << 20
)

// shop is the storefront that is visited.
type shop struct {
	base   string // "http://127.0.0.1:8080"
	client *http.Client
	newKey func() string
}

// browser returns a separate client for one visitor, with a cookie jar and the shared connections.
func (s shop) browser() shop {
	client := *s.client
	client.Jar, _ = cookiejar.New(nil) // never fails without options
	client.Timeout = stepTimeout
	s.client = &client
	return s
}

// do takes one step, following redirects, and returns what is wrong with the response, if anything.
func (s shop) do(ctx context.Context, st step) error {
	var body io.Reader = http.NoBody
	if st.form != nil {
		body = strings.NewReader(st.form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, st.method, s.base+st.path, body)
	if err != nil {
		return err
	}
	if st.form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		// With it, net/http sends a form again if the server closed the idle connection, and the shop recognizes a
		// repeated order.
		req.Header.Set("Idempotency-Key", s.newKey())
	}
	resp, err := s.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address
		}
		return fmt.Errorf("%s %s: %w", st.method, st.path, err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", st.method, st.path, err)
	case resp.StatusCode >= http.StatusBadRequest:
		return fmt.Errorf("%s %s: HTTP %d %s", st.method, st.path, resp.StatusCode, headline(page))
	case st.task == taskCheckout && !strings.HasPrefix(resp.Request.URL.Path, "/order/"):
		return fmt.Errorf("%s %s: no confirmation but %s", st.method, st.path, resp.Request.URL.Path)
	}
	return nil
}

// await polls until the shop responds. It returns an error only when ctx ends.
func (s shop) await(ctx context.Context) error {
	const pause = 100 * time.Millisecond
	for {
		if s.responds(ctx) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (s shop) responds(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/_healthz", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxPage))
	return resp.StatusCode == http.StatusOK
}

// headline is the first heading of a page; on the shop's error pages it is the error.
func headline(page []byte) string {
	_, rest, found := strings.Cut(string(page), "<h1>")
	text, _, closed := strings.Cut(rest, "</h1>")
	if !found || !closed || len(text) > 200 {
		return ""
	}
	return html.UnescapeString(text)
}
