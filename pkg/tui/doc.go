// Package tui is the terminal UI: the dashboard of the shop, and a lesson next to it.
//
// One root model, for Bubble Tea, holds the layout and routes messages. Keys go through one table, which also feeds the
// key line, the help and docs/keys.md. The packages below it:
//
//   - style draws text, boxes, tables and Markdown, and knows nothing of the shop;
//   - textedit edits typed text;
//   - feed turns the daemon's streams and the changes of the lesson into messages, at most ten a second and none while
//     nothing changes;
//   - pane contains the panes: plain structs that render themselves into a width and a height, and share one State;
//     lessonpane is the one of a lesson;
//   - effect performs what keys cause: changes of the shop, calls, command lines. The end of the screen cancels and
//     awaits all of it.
//
// Update does no I/O.
package tui
