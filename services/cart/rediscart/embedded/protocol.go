package embedded

import (
	"strconv"

	"github.com/tidwall/redcon"
)

// protocol is a version of the Redis protocol. A connection begins with version 2; version 3 has types of its own for
// nil, maps and texts. Replies of all other types are the same in both.
type protocol int64

const (
	resp2 protocol = 2
	resp3 protocol = 3
)

func (p protocol) appendNil(out []byte) []byte {
	if p == resp3 {
		return append(out, "_\r\n"...)
	}
	return redcon.AppendNull(out)
}

func (p protocol) appendNilArray(out []byte) []byte {
	if p == resp3 {
		return p.appendNil(out)
	}
	return append(out, "*-1\r\n"...)
}

// appendMap begins a map of n pairs.
func (p protocol) appendMap(out []byte, n int) []byte {
	if p == resp3 {
		return append(strconv.AppendInt(append(out, '%'), int64(n), 10), "\r\n"...)
	}
	return redcon.AppendArray(out, 2*n)
}

// appendVerbatim appends a text that is meant for people.
func (p protocol) appendVerbatim(out []byte, text string) []byte {
	if p == resp2 {
		return redcon.AppendBulkString(out, text)
	}
	const format = "txt:"
	out = append(strconv.AppendInt(append(out, '='), int64(len(format)+len(text)), 10), "\r\n"...)
	return append(append(append(out, format...), text...), "\r\n"...)
}
