// Package bench measures the shop as a user meets it: the built binary, real processes, real traffic.
//
// A figure is a ratio against a baseline taken in the same run, because machines differ and are shared;
// each benchmark states its goal beside it and fails when the goal is missed. Nothing here runs under
// "go test"; "make bench" runs it.
package bench
