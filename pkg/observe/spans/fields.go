package spans

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// keyValue reads an encoded KeyValue: its key, and its value as text if that is a string or a number.
func keyValue(encoded, scratch []byte) (key, value []byte) {
	_ = fields(encoded, func(num protowire.Number, _, field []byte) error {
		switch num {
		case 1:
			key = field
		case 2:
			return fields(field, func(num protowire.Number, whole, field []byte) error {
				switch {
				case num == 1:
					value = field
				case num == 3 && field == nil:
					_, _, n := protowire.ConsumeTag(whole)
					number, _ := protowire.ConsumeVarint(whole[n:])
					value = strconv.AppendInt(scratch, int64(number), 10)
				}
				return nil
			})
		}
		return nil
	})
	return key, value
}

// fields calls visit with each field of an encoded message: all of it, and what it holds where that has a length.
func fields(message []byte, visit func(num protowire.Number, whole, value []byte) error) error {
	for len(message) > 0 {
		num, typ, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return protowire.ParseError(tag)
		}
		n := protowire.ConsumeFieldValue(num, typ, message[tag:])
		if n < 0 {
			return protowire.ParseError(n)
		}
		var value []byte
		if typ == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(message[tag:])
			if value == nil {
				value = []byte{}
			}
		}
		if err := visit(num, message[:tag+n], value); err != nil {
			return err
		}
		message = message[tag+n:]
	}
	return nil
}
