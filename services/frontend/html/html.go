// Package html writes HTML into a byte buffer.
//
// Markup and data are written by different methods. Markup is a constant in the source: the parameter of Lit has a type
// that no other package can name, so that only an untyped constant fits and no string from outside can become a tag.
// Data is written by Text, Attr, Path and Query, which escape it. The result is safe between tags and inside
// double-quoted attributes; data must not be written anywhere else, such as in a script or a style, of which the shop
// has none.
package html

import (
	"strconv"
	"unicode/utf8"
)

// constant is markup. Only an untyped constant converts to it outside of this package.
type constant string

// Writer is a page that is being written. The zero value is ready to use; its methods return it, so that
// they can be chained. It is not safe for concurrent use.
type Writer struct{ b []byte }

// Bytes returns what was written; it is valid until the next call.
func (w *Writer) Bytes() []byte { return w.b }

// Reset empties the writer and keeps its memory.
func (w *Writer) Reset() { w.b = w.b[:0] }

// Lit writes constant markup as it is.
func (w *Writer) Lit(markup constant) *Writer {
	w.b = append(w.b, markup...)
	return w
}

// LitIf writes constant markup if the condition holds.
func (w *Writer) LitIf(ok bool, markup constant) *Writer {
	if ok {
		w.b = append(w.b, markup...)
	}
	return w
}

// Int writes a number.
func (w *Writer) Int(n int) *Writer {
	w.b = strconv.AppendInt(w.b, int64(n), 10)
	return w
}

// Attr writes ` name="value"`.
func (w *Writer) Attr(name constant, value string) *Writer {
	w.b = append(w.b, ' ')
	w.b = append(w.b, name...)
	w.b = append(w.b, '=', '"')
	w.Text(value)
	w.b = append(w.b, '"')
	return w
}

// Text writes data, escaped for a place between tags or inside a double-quoted attribute. Bytes that
// are not UTF-8 and characters that HTML forbids become U+FFFD.
func (w *Writer) Text(s string) *Writer {
	from := 0
	for i := 0; i < len(s); {
		replacement, size := "", 1
		switch c := s[i]; {
		case c == '&':
			replacement = "&amp;"
		case c == '<':
			replacement = "&lt;"
		case c == '>':
			replacement = "&gt;"
		case c == '"':
			replacement = "&#34;"
		case c == '\'':
			replacement = "&#39;"
		case c == '\r':
			// A parser would turn it into a line feed.
			replacement = "&#13;"
		case c < ' ' && c != '\t' && c != '\n', c == 0x7f:
			replacement = "\uFFFD"
		case c >= utf8.RuneSelf:
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); forbidden(r, size) {
				replacement = "\uFFFD"
			}
		}
		if replacement != "" {
			w.b = append(append(w.b, s[from:i]...), replacement...)
			from = i + size
		}
		i += size
	}
	w.b = append(w.b, s[from:]...)
	return w
}

// forbidden reports whether a decoded rune must not occur in HTML: broken UTF-8, a C1 control or a
// noncharacter (WHATWG HTML, "Preprocessing the input stream").
func forbidden(r rune, size int) bool {
	switch {
	case r == utf8.RuneError && size == 1:
		return true
	case r >= 0x80 && r <= 0x9f:
		return true
	case r >= 0xfdd0 && r <= 0xfdef:
		return true
	}
	return r&0xfffe == 0xfffe
}

// Path writes data as one segment of a URL's path.
func (w *Writer) Path(segment string) *Writer { return w.url(segment) }

// Query writes data as the value of a URL's query parameter.
func (w *Writer) Query(value string) *Writer { return w.url(value) }

// url percent-encodes all but the characters that RFC 3986 calls unreserved. They mean nothing in
// HTML either.
func (w *Writer) url(s string) *Writer {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~':
			w.b = append(w.b, c)
		default:
			w.b = append(w.b, '%', hex[c>>4], hex[c&15])
		}
	}
	return w
}
