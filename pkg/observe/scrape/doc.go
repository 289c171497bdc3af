// Package scrape reads the metrics of all instances into the store, as Prometheus does: over HTTP, in the
// text formats, with the labels of each target, series for the scrape itself (up), and staleness markers
// for vanished series.
//
// The interval depends on watchers: once a second while there are any, less often otherwise, and seldom
// while there are no requests. Rates stay correct at any interval, as they are computed between samples.
//
// A target cannot harm the others: the size of its response is limited, and no other target waits for it.
package scrape
