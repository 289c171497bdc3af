package embedded

import (
	"crypto/subtle"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/tidwall/redcon"
)

// The commands on the connection and the server.

func (c *session) bulk(b []byte) error { c.out = redcon.AppendBulk(c.out, b); return nil }

func (c *session) cmdPing(args [][]byte) error {
	switch len(args) {
	case 1:
		c.out = redcon.AppendString(c.out, "PONG")
		return nil
	case 2:
		return c.bulk(args[1])
	}
	return wrongArity("ping")
}

func (c *session) cmdQuit([][]byte) error {
	c.quit = true
	return c.ok()
}

func (c *session) cmdReset([][]byte) error {
	c.endMulti()
	c.unwatch()
	c.name, c.protocol, c.known = "", resp2, c.server.cfg.Password == ""
	c.out = redcon.AppendString(c.out, "RESET")
	return nil
}

// cmdShutdown ends the server. As in Redis, it has no reply when it succeeds.
func (c *session) cmdShutdown(args [][]byte) error {
	for _, a := range args[1:] {
		if !isWord(a, "save") && !isWord(a, "nosave") && !isWord(a, "now") && !isWord(a, "force") {
			return errSyntax
		}
	}
	c.quit = true
	c.server.shutdown(ErrShutdown)
	return nil
}

// cmdHello chooses the version of the protocol, once all its options are right.
func (c *session) cmdHello(args [][]byte) error {
	chosen := c.protocol
	if len(args) > 1 {
		version, ok := parseInt(args[1])
		if !ok {
			return replyError("ERR Protocol version is not an integer or out of range")
		}
		chosen = protocol(version)
		if chosen != resp2 && chosen != resp3 {
			return replyError("NOPROTO unsupported protocol version")
		}
		for i := 2; i < len(args); i++ {
			switch {
			case isWord(args[i], "setname") && i+1 < len(args):
				i++
				if err := c.setName(args[i]); err != nil {
					return err
				}
			case isWord(args[i], "auth") && i+2 < len(args):
				if err := c.cmdHelloAuth(args[i+1], args[i+2]); err != nil {
					return err
				}
				i += 2
			default:
				return replyError("ERR Syntax error in HELLO option '" + string(args[i]) + "'")
			}
		}
	}
	if !c.known {
		return replyError("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	}
	c.protocol = chosen
	c.out = c.protocol.appendMap(c.out, 7)
	for _, pair := range [][2]string{{"server", "redis"}, {"version", Version}} {
		c.out = redcon.AppendBulkString(redcon.AppendBulkString(c.out, pair[0]), pair[1])
	}
	c.out = redcon.AppendInt(redcon.AppendBulkString(c.out, "proto"), int64(c.protocol))
	c.out = redcon.AppendInt(redcon.AppendBulkString(c.out, "id"), c.id)
	for _, pair := range [][2]string{{"mode", "standalone"}, {"role", "master"}} {
		c.out = redcon.AppendBulkString(redcon.AppendBulkString(c.out, pair[0]), pair[1])
	}
	c.out = redcon.AppendArray(redcon.AppendBulkString(c.out, "modules"), 0)
	return nil
}

// cmdHelloAuth checks the user and the password of HELLO. Without a configured password, any is accepted.
func (c *session) cmdHelloAuth(user, password []byte) error {
	switch {
	case string(user) != "default":
		return errWrongPassword
	case c.server.cfg.Password == "":
		return nil
	}
	return c.identify(password)
}

// setName names the connection, in printable ASCII without spaces.
func (c *session) setName(name []byte) error {
	for _, b := range name {
		if b < '!' || b > '~' {
			return replyError("ERR Client names cannot contain spaces, newlines or special characters.")
		}
	}
	c.name = string(name)
	return nil
}

func (c *session) cmdClient(args [][]byte) error {
	switch sub := strings.ToLower(string(args[1])); {
	case sub == "setinfo" && len(args) == 4, sub == "no-evict" && len(args) == 3:
		return c.ok()
	case sub == "setname" && len(args) == 3:
		if err := c.setName(args[2]); err != nil {
			return err
		}
		return c.ok()
	case sub == "getname" && len(args) == 2:
		if c.name == "" {
			c.out = c.protocol.appendNil(c.out)
			return nil
		}
		return c.bulk([]byte(c.name))
	case sub == "id" && len(args) == 2:
		c.out = redcon.AppendInt(c.out, c.id)
		return nil
	case sub == "setinfo", sub == "setname", sub == "getname", sub == "id", sub == "no-evict":
		return wrongArity("client|" + sub)
	}
	return unknownSubcommand(args[1], "CLIENT")
}

// cmdSelect supports one database, number 0.
func (c *session) cmdSelect(args [][]byte) error {
	n, ok := parseInt(args[1])
	switch {
	case !ok:
		return errNotInteger
	case n != 0:
		return replyError("ERR DB index is out of range")
	}
	return c.ok()
}

// cmdAuth handles AUTH PASSWORD and AUTH default PASSWORD: there is one user.
func (c *session) cmdAuth(args [][]byte) error {
	switch {
	case len(args) > 3:
		return errSyntax
	case c.server.cfg.Password == "":
		return replyError("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	case len(args) == 3 && string(args[1]) != "default":
		return errWrongPassword
	}
	if err := c.identify(args[len(args)-1]); err != nil {
		return err
	}
	return c.ok()
}

const errWrongPassword = replyError("WRONGPASS invalid username-password pair or user is disabled.")

// identify compares passwords in constant time.
func (c *session) identify(password []byte) error {
	if subtle.ConstantTimeCompare(password, []byte(c.server.cfg.Password)) != 1 {
		return errWrongPassword
	}
	c.known = true
	return nil
}

func cmdCommand(k *call) error {
	if len(k.args) > 1 && isWord(k.args[1], "count") {
		return k.int(int64(len(k.server.commands)))
	}
	k.array(0) // which redis-cli requests to complete commands
	return nil
}

func cmdTime(k *call) error {
	now := k.store.now()
	return k.bulks([][]byte{
		strconv.AppendInt(nil, now.Unix(), 10),
		strconv.AppendInt(nil, int64(now.Nanosecond()/1000), 10),
	})
}

func cmdInfo(k *call) error {
	keys, err := k.store.size()
	if err != nil {
		return err
	}
	var sections strings.Builder
	section := func(title, text string) {
		if len(k.args) == 1 || isWord(k.args[1], title) || isWord(k.args[1], "all") || isWord(k.args[1], "everything") || isWord(k.args[1], "default") {
			if sections.Len() > 0 {
				sections.WriteString("\r\n")
			}
			sections.WriteString("# " + title + "\r\n" + text)
		}
	}
	section("Server", fmt.Sprintf("redis_version:%s\r\nredis_mode:standalone\r\nprocess_id:%d\r\nuptime_in_seconds:%d\r\nengine:embedded\r\n",
		Version, os.Getpid(), int64(k.store.now().Sub(k.server.started).Seconds())))
	section("Persistence", "loading:0\r\n")
	section("Replication", "role:master\r\nconnected_slaves:0\r\n")
	keyspace := ""
	if keys > 0 {
		keyspace = fmt.Sprintf("db0:keys=%d\r\n", keys)
	}
	section("Keyspace", keyspace)
	k.out = k.protocol.appendVerbatim(k.out, sections.String())
	return nil
}
