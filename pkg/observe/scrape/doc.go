// Package scrape reads the metrics of all instances into the store, as Prometheus does: over HTTP, in the
// text formats, with the labels of each target, with series for the scrape itself (up), and with staleness
// markers for what is gone.
//
// How often depends on who looks: once a second while somebody watches, less often otherwise, and seldom
// while no request flows. Rates stay right whatever the pace, as they are counted between samples.
//
// A target cannot harm the others: what it sends is bounded, and nobody waits for it.
package scrape
