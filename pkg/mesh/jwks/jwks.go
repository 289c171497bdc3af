// Package jwks keeps the keys that verify tokens, from the addresses at which issuers publish them (RFC 7517).
package jwks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// How Istio's control plane fetches keys: again after so long, sooner when that failed, and each time no longer than so.
const (
	refreshAfter   = 20 * time.Minute
	firstRetry     = time.Second
	lastRetry      = time.Minute
	defaultTimeout = 5 * time.Second
)

// longest bounds what an issuer may answer, in bytes.
const longest = 1 << 20

// Set is what is known of the keys at one address.
type Set struct {
	// Keys is the JSON of the set; empty before the first answer. It stays when the address does not answer any more.
	Keys string
	// Err is why the last attempt failed; nil if it did not.
	Err error
}

// Cache keeps the keys of the addresses that are wanted. It is safe for concurrent use.
type Cache struct {
	client  *http.Client
	changed func()

	mu      sync.Mutex
	ctx     context.Context // of the fetches; nil before Run
	sources map[string]*source
	fetches sync.WaitGroup
}

type source struct {
	timeout time.Duration
	set     Set
	stop    context.CancelFunc // nil: no one fetches yet
}

// New returns a cache without keys. changed is called, by goroutines of Run, when there are others, or they could not be fetched.
func New(client *http.Client, changed func()) *Cache {
	return &Cache{client: client, changed: changed, sources: map[string]*source{}}
}

// Run fetches until ctx ends.
func (c *Cache) Run(ctx context.Context) {
	c.mu.Lock()
	c.ctx = ctx
	for uri, s := range c.sources {
		c.begin(uri, s)
	}
	c.mu.Unlock()
	<-ctx.Done()
	c.mu.Lock()
	c.ctx = nil // so that nothing begins while it is waited
	c.mu.Unlock()
	c.fetches.Wait()
}

// Want makes these the addresses whose keys are kept, each with how long it may take to answer; 0: as long as Istio allows.
func (c *Cache) Want(timeouts map[string]time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for uri, s := range c.sources {
		if _, ok := timeouts[uri]; !ok {
			delete(c.sources, uri)
			if s.stop != nil {
				s.stop()
			}
		}
	}
	for uri, timeout := range timeouts {
		if timeout <= 0 {
			timeout = defaultTimeout
		}
		if s := c.sources[uri]; s != nil {
			s.timeout = timeout
			continue
		}
		s := &source{timeout: timeout}
		c.sources[uri] = s
		if c.ctx != nil {
			c.begin(uri, s)
		}
	}
}

// Sets are the keys of all addresses that are wanted.
func (c *Cache) Sets() map[string]Set {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]Set, len(c.sources))
	for uri, s := range c.sources {
		all[uri] = s.set
	}
	return all
}

// begin fetches from an address from now on. c.mu is held.
func (c *Cache) begin(uri string, s *source) {
	ctx, stop := context.WithCancel(c.ctx)
	s.stop = stop
	c.fetches.Go(func() {
		for retry := firstRetry; ; {
			after := refreshAfter
			if !c.refresh(ctx, uri, s) {
				after, retry = retry, min(2*retry, lastRetry)
			} else {
				retry = firstRetry
			}
			timer := time.NewTimer(after)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return
			}
		}
	})
}

// refresh fetches once, and reports whether that succeeded.
func (c *Cache) refresh(ctx context.Context, uri string, s *source) bool {
	c.mu.Lock()
	timeout, before := s.timeout, s.set
	c.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	keys, err := c.fetch(limited, uri)
	if ctx.Err() != nil {
		return false
	}
	now := Set{Keys: keys, Err: err}
	if err != nil {
		now.Keys = before.Keys
	}
	c.mu.Lock()
	s.set = now
	c.mu.Unlock()
	if now.Keys != before.Keys || reason(now.Err) != reason(before.Err) {
		c.changed()
	}
	return err == nil
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// fetch reads a set of keys.
func (c *Cache) fetch(ctx context.Context, uri string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return "", fmt.Errorf("fetch keys: %w", err)
	}
	r.Header.Set("Accept", "application/json")
	r.Close = true // the next time is in minutes
	resp, err := c.client.Do(r)
	if err != nil {
		return "", fmt.Errorf("fetch keys: %w", err) // it names the address
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("fetch keys from %s: status %s", uri, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, longest+1))
	if err != nil {
		return "", fmt.Errorf("fetch keys from %s: %w", uri, err)
	}
	if err := check(text); err != nil {
		return "", fmt.Errorf("fetch keys from %s: %w", uri, err)
	}
	return string(text), nil
}

// check refuses what is not a set of keys.
func check(text []byte) error {
	if len(text) > longest {
		return fmt.Errorf("the answer is longer than %d bytes", longest)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return fmt.Errorf(`the answer is not {"keys": [...]}: %w`, err)
	}
	if len(set.Keys) == 0 {
		return errors.New(`the answer has no "keys"`)
	}
	return nil
}
