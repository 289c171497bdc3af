package embedded

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
)

const (
	// maxRequest bounds the bytes of one command, and so the memory that a client can use.
	maxRequest = 16 << 20
	// maxWords bounds the words of one command, as Redis does.
	maxWords = 1 << 20
	// maxLine bounds an inline command, as Redis does.
	maxLine = 64 << 10
)

// protocolError is input that is not a command; its connection ends.
type protocolError string

func (e protocolError) Error() string { return "Protocol error: " + string(e) }

const (
	errLongLine   = protocolError("too big inline request")
	errUnbalanced = protocolError("unbalanced quotes in request")
)

// readRequest reads the words of one command, in the protocol's form or as an inline command. An empty line has no
// words.
func readRequest(in *bufio.Reader) ([][]byte, error) {
	line, err := readLine(in)
	if err != nil {
		return nil, err
	}
	if len(line) == 0 || line[0] != '*' {
		return splitInline(line)
	}
	count, ok := parseInt(line[1:])
	if !ok || count > maxWords {
		return nil, protocolError("invalid multibulk length")
	}
	var words [][]byte
	left := int64(maxRequest)
	for range max(count, 0) {
		line, err := readLine(in)
		if err != nil {
			return nil, err
		}
		if len(line) == 0 || line[0] != '$' {
			return nil, protocolError("expected '$', got '" + string(line[:min(len(line), 1)]) + "'")
		}
		size, ok := parseInt(line[1:])
		if left -= size; !ok || size < 0 || left < 0 {
			return nil, protocolError("invalid bulk length")
		}
		word := make([]byte, size+2)
		if _, err := io.ReadFull(in, word); err != nil {
			return nil, err
		}
		words = append(words, word[:size])
	}
	return words, nil
}

// readLine returns the next line without its end. It is valid until the next read.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = readLongLine(in, bytes.Clone(line))
	}
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(line, 0) >= 0 {
		// Redis finds no end of a line with a NUL: it reads on until the line is too long.
		if _, err := io.CopyN(io.Discard, in, int64(max(maxLine-len(line), 0))); err != nil {
			return nil, err
		}
		return nil, errLongLine
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'}), nil
}

// readLongLine returns a line that is longer than the read buffer, and begins with start.
func readLongLine(in *bufio.Reader, start []byte) ([]byte, error) {
	for len(start) < maxLine {
		more, err := in.ReadSlice('\n')
		start = append(start, more...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return start, err
		}
	}
	return nil, errLongLine
}

// splitInline splits an inline command into words, whose ends may be quoted.
func splitInline(line []byte) (words [][]byte, err error) {
	const space, ends = " \t\v\f\r", " \t\r"
	for line = bytes.TrimLeft(line, space); len(line) > 0; line = bytes.TrimLeft(line, space) {
		word := []byte{}
		for len(line) > 0 && strings.IndexByte(ends, line[0]) < 0 {
			if quoted := line[0] == '"' || line[0] == '\''; !quoted {
				word, line = append(word, line[0]), line[1:]
				continue
			}
			word, line, err = unquote(word, line)
			if err != nil || len(line) > 0 && strings.IndexByte(space, line[0]) < 0 {
				return nil, errUnbalanced
			}
			break // the end of the quotes is the end of the word
		}
		words = append(words, word)
	}
	return words, nil
}

// unquote appends the content of the quotes that text begins with to word, and returns what follows them. Between double
// quotes, a backslash escapes a byte; between single ones, only a single quote.
func unquote(word, text []byte) (longer, rest []byte, err error) {
	quote := text[0]
	for text = text[1:]; len(text) > 0; text = text[1:] {
		switch c := text[0]; {
		case c == quote:
			return word, text[1:], nil
		case c == '\\' && len(text) > 1 && (quote == '"' || text[1] == quote):
			var used int
			word, used = appendEscaped(word, text[1:])
			text = text[used:]
		default:
			word = append(word, c)
		}
	}
	return nil, nil, errUnbalanced
}

// appendEscaped appends the byte that the text after a backslash means, and returns the length of that text.
func appendEscaped(word, text []byte) (longer []byte, used int) {
	if text[0] == 'x' && len(text) > 2 {
		var b [1]byte
		if _, err := hex.Decode(b[:], text[1:3]); err == nil {
			return append(word, b[0]), 3
		}
	}
	c := text[0]
	if i := strings.IndexByte("nrtba", c); i >= 0 {
		c = "\n\r\t\b\a"[i]
	}
	return append(word, c), 1
}
