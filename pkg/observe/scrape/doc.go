// Package scrape reads the metrics of all instances into the store, as Prometheus does: over HTTP, in the
// text formats, with the labels of each target, with series for the scrape itself (up), and with staleness
// markers for what is gone.
//
// The interval depends on watchers: once a second while there are any, less often otherwise, and seldom
// while no request flows. Rates stay right whatever the pace, as they are counted between samples.
//
// A target cannot harm the others: what it sends is bounded, and it is not waited for.
package scrape
