// Package promcheck holds the shop's storage, rules and templates against those of Prometheus: the same
// samples go into both, and whatever is asked of them must be answered alike. It is a module of its own, as
// Prometheus' tsdb and rules would bring a hundred modules into the shop's.
package promcheck
