// Package bench measures the shop as a user meets it: the built binary, real processes, real traffic.
//
// A figure is a ratio against a baseline of the same run, because machines differ and are shared. Goals are one
// table, in goals_test.go; a benchmark fails when its goal is missed. Nothing here runs under "go test"; "make
// bench" runs it.
package bench
