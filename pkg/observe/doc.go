// Package observe keeps what can be seen of the shop: events, log lines, request statistics and
// spans. Everything is bounded, and what nobody looks at costs next to nothing.
package observe
