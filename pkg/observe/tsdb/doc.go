// Package tsdb keeps the samples of the shop's metrics for an hour or two, in memory, and serves
// Prometheus' query engine from it.
//
// Samples lie in the chunks of Prometheus (Gorilla compression: one to two bytes a sample), series are
// found by their labels. The store is bounded three ways, in series, in bytes and in time: what is over
// the first bound is not taken, and counted; over the others, the oldest goes. Prometheus' own store on
// disk does more than a shop on a laptop needs, and would cost the binary 13 MB and its dead-code
// elimination.
package tsdb
