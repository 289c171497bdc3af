package embedded

import (
	"math"
	"strconv"
	"strings"
)

// The commands on strings.

func cmdGet(k *call) error {
	e, ok, err := k.store.of(k.args[1], kindString)
	if err != nil {
		return err
	}
	return k.maybe(e.value, ok)
}

func cmdMGet(k *call) error {
	k.array(len(k.args) - 1)
	for _, key := range k.args[1:] {
		e, ok, err := k.store.find(key)
		if err != nil {
			return err
		}
		if err := k.maybe(e.value, ok && e.kind == kindString); err != nil {
			return err
		}
	}
	return nil
}

func cmdStrLen(k *call) error {
	e, _, err := k.store.of(k.args[1], kindString)
	return orInt(k, int64(len(e.value)), err)
}

// setOptions are the options of SET.
type setOptions struct {
	onlyNew, onlyOld, keepTTL, get bool
	expires                        int64
}

func parseSet(k *call) (o setOptions, err error) {
	words := k.args[3:]
	expiry := 0 // how many options say when
	for i := 0; i < len(words); i++ {
		switch option := strings.ToLower(string(words[i])); option {
		case "nx":
			o.onlyNew = true
		case "xx":
			o.onlyOld = true
		case "get":
			o.get = true
		case "keepttl":
			o.keepTTL = true
			expiry++
		case "ex", "px", "exat", "pxat":
			if i++; i >= len(words) {
				return o, errSyntax
			}
			unit := int64(1)
			if strings.HasPrefix(option, "e") {
				unit = 1000
			}
			if o.expires, err = parseExpiry(k, words[i], unit, strings.HasSuffix(option, "at"), true); err != nil {
				return o, err
			}
			expiry++
		default:
			return o, errSyntax
		}
	}
	if expiry > 1 || o.onlyNew && o.onlyOld {
		return o, errSyntax
	}
	return o, nil
}

// parseExpiry parses a time in units of milliseconds, relative or absolute, and returns it in Unix milliseconds. With a
// new value it must be positive.
func parseExpiry(k *call, text []byte, unit int64, absolute, positive bool) (int64, error) {
	n, ok := parseInt(text)
	if !ok {
		return 0, errNotInteger
	}
	now := k.store.nowMillis()
	if absolute {
		now = 0
	}
	if positive && n <= 0 || n > (math.MaxInt64-now)/unit || n < math.MinInt64/unit {
		return 0, replyError("ERR invalid expire time in '" + strings.ToLower(string(k.args[0])) + "' command")
	}
	return n*unit + now, nil
}

func cmdSet(k *call) error {
	o, err := parseSet(k)
	if err != nil {
		return err
	}
	e, exists, err := k.store.find(k.args[1])
	if err != nil {
		return err
	}
	if o.get && exists && e.kind != kindString {
		return errWrongType
	}
	set := !(o.onlyNew && exists) && !(o.onlyOld && !exists)
	if set {
		if o.keepTTL {
			o.expires = e.expires
		}
		if err := k.store.setString(k.args[1], k.args[2], o.expires); err != nil {
			return err
		}
	}
	switch {
	case o.get:
		return k.maybe(e.value, exists)
	case set:
		return k.ok()
	}
	return k.nil()
}

func cmdSetNX(k *call) error {
	_, exists, err := k.store.find(k.args[1])
	if err == nil && !exists {
		err = k.store.setString(k.args[1], k.args[2], 0)
	}
	if err != nil {
		return err
	}
	return k.bool(!exists)
}

func cmdSetEX(unit int64) func(*call) error {
	return func(k *call) error {
		expires, err := parseExpiry(k, k.args[2], unit, false, true)
		if err != nil {
			return err
		}
		if err := k.store.setString(k.args[1], k.args[3], expires); err != nil {
			return err
		}
		return k.ok()
	}
}

func cmdMSet(k *call) error {
	pairs := k.args[1:]
	if len(pairs)%2 != 0 {
		return wrongArity("mset")
	}
	for i := 0; i < len(pairs); i += 2 {
		if err := k.store.setString(pairs[i], pairs[i+1], 0); err != nil {
			return err
		}
	}
	return k.ok()
}

func cmdGetSet(k *call) error {
	e, ok, err := k.store.of(k.args[1], kindString)
	if err == nil {
		err = k.store.setString(k.args[1], k.args[2], 0)
	}
	if err != nil {
		return err
	}
	return k.maybe(e.value, ok)
}

func cmdGetDel(k *call) error {
	e, ok, err := k.store.of(k.args[1], kindString)
	if err == nil && ok {
		err = k.store.drop(k.args[1], e)
	}
	if err != nil {
		return err
	}
	return k.maybe(e.value, ok)
}

func cmdAppend(k *call) error {
	e, _, err := k.store.of(k.args[1], kindString)
	if err != nil {
		return err
	}
	value := append(e.value, k.args[2]...)
	return orInt(k, int64(len(value)), k.store.setString(k.args[1], value, e.expires))
}

func cmdIncr(by int64) func(*call) error {
	return func(k *call) error { return increment(k, by) }
}

func cmdIncrBy(sign int64) func(*call) error {
	return func(k *call) error {
		by, ok := parseInt(k.args[2])
		if !ok {
			return errNotInteger
		}
		if sign < 0 && by == math.MinInt64 {
			return errDecrOverflow
		}
		return increment(k, sign*by)
	}
}

func increment(k *call, by int64) error {
	e, exists, err := k.store.of(k.args[1], kindString)
	if err != nil {
		return err
	}
	var current int64
	if exists {
		var ok bool
		if current, ok = parseInt(e.value); !ok {
			return errNotInteger
		}
	}
	sum, fits := addInt(current, by)
	if !fits {
		return errOverflow
	}
	return orInt(k, sum, k.store.setString(k.args[1], strconv.AppendInt(nil, sum, 10), e.expires))
}
