package embedded

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

const (
	// maxRequest bounds the bytes of one command, and so the memory that a client can use.
	maxRequest = 16 << 20
	// maxWords bounds the words of one command, as Redis does.
	maxWords = 1 << 20
)

// protocolError is input that is not a command; its connection ends.
type protocolError string

func (e protocolError) Error() string { return "Protocol error: " + string(e) }

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
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, protocolError("too big inline request")
	case err != nil:
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'}), nil
}

// splitInline splits an inline command; words may be quoted.
func splitInline(line []byte) (words [][]byte, err error) {
	for line = bytes.TrimLeft(line, " \t"); len(line) > 0; line = bytes.TrimLeft(line, " \t") {
		end := bytes.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		word := string(line[:end])
		switch line[0] {
		case '"':
			quoted, err := strconv.QuotedPrefix(string(line))
			if err != nil {
				return nil, protocolError("unbalanced quotes in request")
			}
			end = len(quoted)
			if word, err = strconv.Unquote(quoted); err != nil {
				return nil, protocolError("unbalanced quotes in request")
			}
		case '\'':
			closing := bytes.IndexByte(line[1:], '\'')
			if closing < 0 {
				return nil, protocolError("unbalanced quotes in request")
			}
			end = closing + 2
			word = string(line[1 : end-1])
		}
		words, line = append(words, []byte(word)), line[end:]
	}
	return words, nil
}
