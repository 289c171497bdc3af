package otlp

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// open begins a message within a message. It leaves one byte for the length, which is enough for most;
// end moves the message when it is not.
func open(b []byte, field protowire.Number) ([]byte, int) {
	b = append(protowire.AppendTag(b, field, protowire.BytesType), 0)
	return b, len(b)
}

// end ends the message that begins at start.
func end(b []byte, start int) []byte {
	n := len(b) - start
	more := protowire.SizeVarint(uint64(n)) - 1
	if more > 0 {
		var room [9]byte
		b = append(b, room[:more]...)
		copy(b[start+more:], b[start:start+n])
	}
	protowire.AppendVarint(b[:start-1], uint64(n))
	return b
}

// Fields that hold what a missing field means are left out, as proto3 has it.

func appendString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}

// appendNumber appends an enum or a uint32.
func appendNumber(b []byte, field protowire.Number, n int) []byte {
	n = min(n, math.MaxUint32)
	if n <= 0 {
		return b
	}
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(n))
}

func appendFixed64(b []byte, field protowire.Number, n int64) []byte {
	if n <= 0 {
		return b
	}
	b = protowire.AppendTag(b, field, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, uint64(n))
}
