package embedded

import (
	"bytes"
	"strconv"
	"strings"
)

// The commands on keys of any type.

func cmdDel(k *call) error {
	var removed int64
	for _, key := range k.args[1:] {
		was, err := k.store.remove(key)
		if err != nil {
			return err
		}
		if was {
			removed++
		}
	}
	return k.int(removed)
}

func cmdExists(k *call) error {
	var n int64
	for _, key := range k.args[1:] {
		_, ok, err := k.store.find(key)
		if err != nil {
			return err
		}
		if ok {
			n++
		}
	}
	return k.int(n)
}

func cmdType(k *call) error {
	e, ok, err := k.store.find(k.args[1])
	switch {
	case err != nil:
		return err
	case !ok:
		return k.text("none")
	}
	return k.text(e.kind.String())
}

func cmdDBSize(k *call) error {
	n, err := k.store.size()
	return orInt(k, n, err)
}

func cmdFlush(k *call) error {
	if len(k.args) > 2 {
		return errSyntax
	}
	if len(k.args) == 2 && !isWord(k.args[1], "async") && !isWord(k.args[1], "sync") {
		return errSyntax
	}
	if err := k.store.clear(); err != nil {
		return err
	}
	return k.ok()
}

func cmdKeys(k *call) error {
	var list [][]byte
	err := k.store.scan(0, -1, func(_ int64, key []byte, _ kind) {
		if globMatch(k.args[1], key) {
			list = append(list, key)
		}
	})
	if err != nil {
		return err
	}
	return k.bulks(list)
}

// scanOptions are the options of SCAN and HSCAN.
type scanOptions struct {
	cursor, count int64
	match         []byte
	kind          string
}

func parseScan(cursor []byte, words [][]byte, withType bool) (o scanOptions, err error) {
	o.count = 10
	n, err := strconv.ParseUint(string(cursor), 10, 63)
	if err != nil {
		return o, replyError("ERR invalid cursor")
	}
	o.cursor = int64(n)
	for i := 0; i < len(words); i += 2 {
		if i+1 >= len(words) {
			return o, errSyntax
		}
		switch value := words[i+1]; {
		case isWord(words[i], "count"):
			var ok bool
			if o.count, ok = parseInt(value); !ok {
				return o, errNotInteger
			}
			if o.count < 1 {
				return o, errSyntax
			}
		case isWord(words[i], "match"):
			o.match = value
		case withType && isWord(words[i], "type"):
			o.kind = strings.ToLower(string(value))
		default:
			return o, errSyntax
		}
	}
	return o, nil
}

// cmdScan iterates over the keys in the order of their ids; the cursor is the last id returned. So a key that exists
// during the whole scan is returned exactly once.
func cmdScan(k *call) error {
	o, err := parseScan(k.args[1], k.args[2:], true)
	if err != nil {
		return err
	}
	var list [][]byte
	var seen, last int64
	err = k.store.scan(o.cursor, o.count, func(id int64, key []byte, kd kind) {
		seen, last = seen+1, id
		if (o.match == nil || globMatch(o.match, key)) && (o.kind == "" || o.kind == kd.String()) {
			list = append(list, key)
		}
	})
	if err != nil {
		return err
	}
	if seen < o.count {
		last = 0
	}
	k.array(2)
	if err := k.bulk(strconv.AppendInt(nil, last, 10)); err != nil {
		return err
	}
	return k.bulks(list)
}

// expireConditions are the options of EXPIRE.
type expireConditions struct{ onlyNew, onlyOld, later, sooner bool }

func parseConditions(words [][]byte) (c expireConditions, err error) {
	for _, w := range words {
		switch strings.ToLower(string(w)) {
		case "nx":
			c.onlyNew = true
		case "xx":
			c.onlyOld = true
		case "gt":
			c.later = true
		case "lt":
			c.sooner = true
		default:
			return c, replyError("ERR Unsupported option " + string(w))
		}
	}
	if c.onlyNew && (c.onlyOld || c.later || c.sooner) {
		return c, replyError("ERR NX and XX, GT or LT options at the same time are not compatible")
	}
	if c.later && c.sooner {
		return c, replyError("ERR GT and LT options at the same time are not compatible")
	}
	return c, nil
}

// allow reports whether the expiry may change from old to the new time; an old of 0 is later than any.
func (c expireConditions) allow(old, to int64) bool {
	return !(c.onlyNew && old != 0) && !(c.onlyOld && old == 0) &&
		!(c.later && (old == 0 || to <= old)) && !(c.sooner && old != 0 && to >= old)
}

func cmdExpire(unit int64, absolute bool) func(*call) error {
	return func(k *call) error {
		key := k.args[1]
		conditions, err := parseConditions(k.args[3:])
		if err != nil {
			return err
		}
		to, err := parseExpiry(k, k.args[2], unit, absolute, false)
		if err != nil {
			return err
		}
		e, ok, err := k.store.find(key)
		if err != nil {
			return err
		}
		if !ok || !conditions.allow(e.expires, to) {
			return k.int(0)
		}
		if to <= k.store.nowMillis() {
			err = k.store.drop(key, e)
		} else {
			err = k.store.setExpiry(key, e.id, to)
		}
		return orInt(k, 1, err)
	}
}

func cmdPersist(k *call) error {
	e, ok, err := k.store.find(k.args[1])
	if err == nil && ok && e.expires != 0 {
		err = k.store.setExpiry(k.args[1], e.id, 0)
	}
	if err != nil {
		return err
	}
	return k.bool(ok && e.expires != 0)
}

func cmdTTL(unit int64, absolute bool) func(*call) error {
	return func(k *call) error {
		e, ok, err := k.store.find(k.args[1])
		switch {
		case err != nil:
			return err
		case !ok:
			return k.int(-2)
		case e.expires == 0:
			return k.int(-1)
		case absolute:
			return k.int(e.expires / unit)
		}
		return k.int((e.expires - k.store.nowMillis() + unit/2) / unit)
	}
}

func isWord(text []byte, word string) bool { return bytes.EqualFold(text, []byte(word)) }
