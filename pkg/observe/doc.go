// Package observe keeps the events and logs of the shop; metrics, spans and alerts are in packages below. Everything is
// bounded, and measurements without readers cost next to nothing.
package observe
