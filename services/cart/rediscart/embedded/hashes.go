package embedded

import (
	"strconv"
	"strings"
)

// The commands on hashes.

func cmdHSet(k *call) error {
	added, err := setFields(k)
	if err != nil {
		return err
	}
	return k.int(added)
}

func cmdHMSet(k *call) error {
	if _, err := setFields(k); err != nil {
		return err
	}
	return k.ok()
}

func setFields(k *call) (added int64, err error) {
	key, pairs := k.args[1], k.args[2:]
	if len(pairs)%2 != 0 {
		return 0, wrongArity(strings.ToLower(string(k.args[0])))
	}
	e, err := k.store.hash(key)
	if err != nil {
		return 0, err
	}
	for i := 0; i < len(pairs); i += 2 {
		_, exists, err := k.store.field(e.id, pairs[i])
		if err != nil {
			return 0, err
		}
		if !exists {
			added++
		}
		if err := k.store.setField(key, e.id, pairs[i], pairs[i+1]); err != nil {
			return 0, err
		}
	}
	return added, nil
}

func cmdHSetNX(k *call) error {
	e, err := k.store.hash(k.args[1])
	if err != nil {
		return err
	}
	_, exists, err := k.store.field(e.id, k.args[2])
	if err != nil {
		return err
	}
	if exists {
		return k.int(0)
	}
	if err := k.store.setField(k.args[1], e.id, k.args[2], k.args[3]); err != nil {
		return err
	}
	return k.int(1)
}

func cmdHIncrBy(k *call) error {
	key, name := k.args[1], k.args[2]
	by, ok := parseInt(k.args[3])
	if !ok {
		return errNotInteger
	}
	e, exists, err := k.store.of(key, kindHash)
	if err != nil {
		return err
	}
	var current int64
	if exists {
		value, ok, err := k.store.field(e.id, name)
		if err != nil {
			return err
		}
		if ok {
			if current, ok = parseInt(value); !ok {
				return errHashInteger
			}
		}
	} else if e, err = k.store.hash(key); err != nil {
		return err
	}
	sum, fits := addInt(current, by)
	if !fits {
		return errOverflow
	}
	if err := k.store.setField(key, e.id, name, strconv.AppendInt(nil, sum, 10)); err != nil {
		return err
	}
	return k.int(sum)
}

func cmdHDel(k *call) error {
	key := k.args[1]
	e, ok, err := k.store.of(key, kindHash)
	if err != nil {
		return err
	}
	if !ok {
		return k.int(0)
	}
	var removed int64
	for _, name := range k.args[2:] {
		was, err := k.store.removeField(key, e.id, name)
		if err != nil {
			return err
		}
		if was {
			removed++
		}
	}
	// A hash without fields does not exist.
	left, err := k.store.fieldCount(e.id)
	if err == nil && left == 0 {
		err = k.store.drop(key, e)
	}
	if err != nil {
		return err
	}
	return k.int(removed)
}

// lookField returns one field of the hash at the first argument.
func lookField(k *call, name []byte) (value []byte, ok bool, err error) {
	e, ok, err := k.store.of(k.args[1], kindHash)
	if err != nil || !ok {
		return nil, false, err
	}
	return k.store.field(e.id, name)
}

func cmdHGet(k *call) error {
	value, ok, err := lookField(k, k.args[2])
	if err != nil {
		return err
	}
	return k.maybe(value, ok)
}

func cmdHExists(k *call) error {
	_, ok, err := lookField(k, k.args[2])
	if err != nil {
		return err
	}
	return k.bool(ok)
}

func cmdHStrLen(k *call) error {
	value, _, err := lookField(k, k.args[2])
	if err != nil {
		return err
	}
	return k.int(int64(len(value)))
}

func cmdHMGet(k *call) error {
	e, exists, err := k.store.of(k.args[1], kindHash)
	if err != nil {
		return err
	}
	k.array(len(k.args) - 2)
	for _, name := range k.args[2:] {
		var value []byte
		found := false
		if exists {
			if value, found, err = k.store.field(e.id, name); err != nil {
				return err
			}
		}
		if err := k.maybe(value, found); err != nil {
			return err
		}
	}
	return nil
}

func cmdHLen(k *call) error {
	e, ok, err := k.store.of(k.args[1], kindHash)
	if err != nil || !ok {
		return orInt(k, 0, err)
	}
	n, err := k.store.fieldCount(e.id)
	return orInt(k, n, err)
}

func orInt(k *call, n int64, err error) error {
	if err != nil {
		return err
	}
	return k.int(n)
}

// hashList replies with what pick returns for each field.
func hashList(k *call, pick func(list [][]byte, name, value []byte) [][]byte) error {
	list, err := hashFields(k, pick)
	if err != nil {
		return err
	}
	return k.bulks(list)
}

func hashFields(k *call, pick func(list [][]byte, name, value []byte) [][]byte) (list [][]byte, err error) {
	e, ok, err := k.store.of(k.args[1], kindHash)
	if err != nil || !ok {
		return nil, err
	}
	err = k.store.fields(e.id, func(name, value []byte) { list = pick(list, name, value) })
	return list, err
}

func pickBoth(list [][]byte, name, value []byte) [][]byte { return append(list, name, value) }
func pickName(list [][]byte, name, _ []byte) [][]byte     { return append(list, name) }
func pickValue(list [][]byte, _, value []byte) [][]byte   { return append(list, value) }

func cmdHKeys(k *call) error { return hashList(k, pickName) }
func cmdHVals(k *call) error { return hashList(k, pickValue) }

func cmdHGetAll(k *call) error {
	list, err := hashFields(k, pickBoth)
	if err != nil {
		return err
	}
	return k.pairs(list)
}

// cmdHScan returns a whole hash at once, as Redis does with a small one.
func cmdHScan(k *call) error {
	o, err := parseScan(k.args[2], k.args[3:], false)
	if err != nil {
		return err
	}
	list, err := hashFields(k, func(list [][]byte, name, value []byte) [][]byte {
		if o.match != nil && !globMatch(o.match, name) {
			return list
		}
		return append(list, name, value)
	})
	if err != nil {
		return err
	}
	k.array(2)
	if err := k.bulk([]byte("0")); err != nil {
		return err
	}
	return k.bulks(list)
}
