// Package tui is the terminal UI: the dashboard of the shop, and a lesson beside it.
//
// Bubble Tea stands at the edge. One root model holds what is known and only routes: keys go through
// one table, which also feeds the key line and the help; data goes to panes, plain structs that
// render themselves into a width and a height. Nothing in the model does I/O. A feed turns the
// daemon's streams and the lesson's changes into messages, at most ten a second and none when nothing
// changed; what a key causes outside runs as a command.
package tui
