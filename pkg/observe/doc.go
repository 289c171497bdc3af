// Package observe keeps what can be seen of the shop: events, log lines and request statistics; spans are
// in the package of that name below. Everything is bounded, and what nobody looks at costs next to nothing.
package observe
