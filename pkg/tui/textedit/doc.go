// Package textedit edits the text that is typed into the screen: [Line] one line, [Area] several.
//
// The cursor moves and deletes by grapheme cluster (UAX #29), so that an emoji of several code points, a letter
// with combining marks or a Japanese character counts as one. Edits can be undone and redone; typing that was not
// interrupted is undone in one step. Widths are terminal cells. Nothing here draws: the views return plain text and
// the cell of the cursor, where the terminal's own cursor is placed.
package textedit
