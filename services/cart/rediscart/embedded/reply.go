package embedded

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/redcon"
)

// replyError is an error of the client, as on the wire: a code and a text.
type replyError string

func (e replyError) Error() string { return string(e) }

const (
	errWrongType    = replyError("WRONGTYPE Operation against a key holding the wrong kind of value")
	errNotInteger   = replyError("ERR value is not an integer or out of range")
	errHashInteger  = replyError("ERR hash value is not an integer")
	errOverflow     = replyError("ERR increment or decrement would overflow")
	errDecrOverflow = replyError("ERR decrement would overflow")
	errSyntax       = replyError("ERR syntax error")
)

func wrongArity(name string) error {
	return replyError("ERR wrong number of arguments for '" + name + "' command")
}

func unknownCommand(args [][]byte) error {
	var rest strings.Builder
	for _, a := range args[1:] {
		if rest.Len() >= 128 {
			break
		}
		fmt.Fprintf(&rest, "'%.*s' ", 128-rest.Len(), a)
	}
	return replyError(fmt.Sprintf("ERR unknown command '%.128s', with args beginning with: %s", args[0], rest.String()))
}

func unknownSubcommand(sub []byte, of string) error {
	return replyError(fmt.Sprintf("ERR unknown subcommand '%.128s'. Try %s HELP.", sub, of))
}

// appendReplyError appends an error reply; line breaks would end it early.
func appendReplyError(out []byte, err error) []byte {
	return redcon.AppendError(out, strings.NewReplacer("\r", " ", "\n", " ").Replace(err.Error()))
}

// parseInt parses an integer as strictly as Redis: no plus sign, no leading zeros, no spaces.
func parseInt(text []byte) (int64, bool) {
	s := string(text)
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == s
}

// addInt adds, and reports whether the sum fits.
func addInt(a, b int64) (int64, bool) {
	sum := a + b
	return sum, (sum > a) == (b > 0)
}

// call is one command in progress. Its methods append the reply.
type call struct {
	store  *store
	server *Server
	args   [][]byte
	out    []byte
	// protocol is that of the connection.
	protocol protocol
}

func (k *call) ok() error           { k.out = redcon.AppendString(k.out, "OK"); return nil }
func (k *call) text(s string) error { k.out = redcon.AppendString(k.out, s); return nil }
func (k *call) int(n int64) error   { k.out = redcon.AppendInt(k.out, n); return nil }
func (k *call) nil() error          { k.out = k.protocol.appendNil(k.out); return nil }
func (k *call) array(n int)         { k.out = redcon.AppendArray(k.out, n) }
func (k *call) bulk(b []byte) error { k.out = redcon.AppendBulk(k.out, b); return nil }
func (k *call) bulks(list [][]byte) error {
	k.array(len(list))
	return k.elements(list)
}

// pairs replies with a map of keys and values in turn.
func (k *call) pairs(list [][]byte) error {
	k.out = k.protocol.appendMap(k.out, len(list)/2)
	return k.elements(list)
}

func (k *call) elements(list [][]byte) error {
	for _, b := range list {
		k.out = redcon.AppendBulk(k.out, b)
	}
	return nil
}

func (k *call) bool(yes bool) error {
	if yes {
		return k.int(1)
	}
	return k.int(0)
}

// maybe replies with b, or with nil if there is none.
func (k *call) maybe(b []byte, found bool) error {
	if !found {
		return k.nil()
	}
	return k.bulk(b)
}

func (c *session) ok() error { c.out = redcon.AppendString(c.out, "OK"); return nil }
