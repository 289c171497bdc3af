package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
)

// Mesh is what the sidecars of a caller know of its calls to a callee.
type Mesh struct {
	// MutualTLS and Plaintext are the requests that reached an instance, by how.
	MutualTLS, Plaintext int64
	// MutualTLSConnections and PlaintextConnections are open now, of TCP whose requests sidecars do not read.
	MutualTLSConnections, PlaintextConnections int64
	// Versions are the requests by version of the instance, the most frequent first.
	Versions []Count
	// Retries are attempts after the first, Denied the requests that the callee's policies denied.
	Retries, Denied int64
	// Flags are the requests by response flag, the most frequent first.
	Flags []Count
	// Overflows are what circuit breakers of the caller did not let through, by Envoy's names ("upstream_rq_pending_overflow").
	Overflows []Count
	// Pending are the requests that wait for a connection now.
	Pending int64
	// Ejected are the instances that are ejected now.
	Ejected []string
}

// Count is how many requests have something in common.
type Count struct {
	Name     string
	Requests int64
}

// Counts are the counts of a map, the highest first.
func Counts(all map[string]int64) []Count {
	var list []Count
	for name, n := range all {
		list = append(list, Count{name, n})
	}
	slices.SortFunc(list, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// Add adds the calls of another caller.
func (m *Mesh) Add(o *Mesh) {
	m.MutualTLS += o.MutualTLS
	m.Plaintext += o.Plaintext
	m.MutualTLSConnections += o.MutualTLSConnections
	m.PlaintextConnections += o.PlaintextConnections
	m.Retries += o.Retries
	m.Denied += o.Denied
	m.Versions, m.Flags, m.Overflows = added(m.Versions, o.Versions), added(m.Flags, o.Flags), added(m.Overflows, o.Overflows)
	m.Pending += o.Pending
	m.Ejected = slices.Compact(slices.Sorted(slices.Values(slices.Concat(m.Ejected, o.Ejected))))
}

func added(a, b []Count) []Count {
	all := map[string]int64{}
	for _, c := range slices.Concat(a, b) {
		all[c.Name] += c.Requests
	}
	return Counts(all)
}

// Security is "mTLS", "plaintext", or how much of both, of requests, or where sidecars read none of connections; empty without any.
func (m *Mesh) Security() string {
	secure, plain := m.MutualTLS, m.Plaintext
	if secure+plain == 0 {
		secure, plain = m.MutualTLSConnections, m.PlaintextConnections
	}
	switch {
	case secure+plain == 0:
		return ""
	case plain == 0:
		return "mTLS"
	case secure == 0:
		return "plaintext"
	}
	return "mTLS " + humanize.Percent(float64(secure)/float64(secure+plain))
}

// Shares are the versions with their shares: "v1", or "v1 90%, v2 10%".
func (m *Mesh) Shares() string {
	var sum int64
	for _, v := range m.Versions {
		sum += v.Requests
	}
	words := make([]string, len(m.Versions))
	for i, v := range m.Versions {
		if words[i] = v.Name; len(m.Versions) > 1 {
			words[i] += " " + humanize.Percent(float64(v.Requests)/float64(sum))
		}
	}
	return strings.Join(words, ", ")
}

// cell is what sidecars know of an edge; empty without any.
func (m *Mesh) cell() cell {
	if m == nil {
		return cell{}
	}
	text, troubled := m.Words()
	if troubled {
		return cell{text, Warn}
	}
	return cell{text, Faint}
}

// Words say it: "mTLS; v1 90%, v2 10%; 2 retries; UT 3". troubled: requests were denied or have flags, or an instance is
// ejected.
func (m *Mesh) Words() (text string, troubled bool) {
	var words []string
	for _, w := range []string{m.Security(), m.Shares()} {
		if w != "" {
			words = append(words, w)
		}
	}
	if n := m.MutualTLSConnections + m.PlaintextConnections; n > 0 {
		words = append(words, humanize.Count(n, "TCP connection"))
	}
	if m.Retries > 0 {
		words = append(words, humanize.Count(m.Retries, "retry"))
	}
	if m.Denied > 0 {
		words = append(words, fmt.Sprintf("%d denied", m.Denied))
	}
	for _, f := range m.Flags[:min(2, len(m.Flags))] {
		words = append(words, fmt.Sprintf("%s %d", f.Name, f.Requests))
	}
	for _, f := range m.Overflows {
		words = append(words, fmt.Sprintf("%s over the limit", humanize.Count(f.Requests, overflowing(f.Name))))
	}
	if m.Pending > 0 {
		words = append(words, fmt.Sprintf("%d pending", m.Pending))
	}
	if len(m.Ejected) > 0 {
		words = append(words, "ejected "+strings.Join(m.Ejected, ", "))
	}
	return strings.Join(words, "; "), m.Denied > 0 || len(m.Flags) > 0 || len(m.Overflows) > 0 || len(m.Ejected) > 0
}

// overflowing is what a counter of Envoy counts.
func overflowing(name string) string {
	switch name {
	case "upstream_cx_overflow":
		return "connection"
	case "upstream_rq_retry_overflow":
		return "retry"
	}
	return "request"
}
