package trace

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
)

// OTLP's JSON is protobuf's but for the ids, which are hexadecimal digits where protobuf's has base64.

// encodeIDs writes the ids in OTLP's JSON as protobuf's JSON has them. One that is no id becomes bytes of a wrong length, so
// that the reader of the spans refuses the one that has it.
func encodeIDs(text []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(text))
	size := 0 // of the id whose value comes next
	for i := 0; i < len(text); {
		end := token(text, i)
		switch {
		case text[i] == '"' && size > 0:
			out.WriteString(encodeID(unquote(text[i:end]), size))
			size = 0
		case size > 0 && (text[i] == '-' || text[i] >= '0' && text[i] <= '9'):
			out.WriteString(encodeID(string(text[i:end]), size))
			size = 0
		default:
			out.Write(text[i:end])
			if text[i] == '"' && followedByColon(text[end:]) {
				size = idSize(unquote(text[i:end]))
			} else if !bytes.ContainsAny(text[i:end], ": \t\r\n") {
				size = 0
			}
		}
		i = end
	}
	return out.Bytes()
}

// token is where the token that begins at i ends: a string, a number or word, or one character.
func token(text []byte, i int) int {
	if text[i] == '"' {
		for j := i + 1; j < len(text); j++ {
			switch text[j] {
			case '\\':
				j++
			case '"':
				return j + 1
			}
		}
		return len(text)
	}
	j := i
	for j < len(text) && !bytes.ContainsRune([]byte("\" \t\r\n,:{}[]"), rune(text[j])) {
		j++
	}
	return max(j, i+1)
}

func followedByColon(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

func unquote(quoted []byte) string {
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return string(quoted)
	}
	return s
}

// idSize is the size of the ids under a name of OTLP, 0 for another name.
func idSize(name string) int {
	switch name {
	case "traceId", "trace_id":
		return len(ID{})
	case "spanId", "span_id", "parentSpanId", "parent_span_id":
		return len(SpanID{})
	}
	return 0
}

// encodeID is the JSON of an id: of hexadecimal digits, or of base64 as some senders write it.
func encodeID(text string, size int) string {
	id, err := hex.DecodeString(text)
	if err != nil || len(id) != size && len(id) != 0 {
		id, err = base64.StdEncoding.DecodeString(text)
		if err != nil || len(id) != size {
			if id = []byte(text); len(id) == size {
				id = append(id, '?')
			}
		}
	}
	return `"` + base64.StdEncoding.EncodeToString(id) + `"`
}
