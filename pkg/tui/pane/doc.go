// Package pane contains the panes of the screen: plain structs that render themselves into a width and a height. They share
// one State, which only the root model changes, and do no I/O: what they need is described by a feed.Query.
package pane
