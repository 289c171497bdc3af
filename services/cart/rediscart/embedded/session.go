package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tidwall/redcon"
)

const (
	// readBuffer is the size of a connection's read buffer.
	readBuffer = 16 << 10
	// maxIdleBuffer is the largest reply buffer that a connection keeps.
	maxIdleBuffer = 64 << 10
	// maxQueued bounds the commands of one MULTI block.
	maxQueued = 100_000
)

// session is one client's connection.
type session struct {
	server *Server
	conn   net.Conn
	id     int64
	name   string
	out    []byte
	quit   bool
	// protocol is the version that the client chose by HELLO.
	protocol protocol
	// known: the client has authenticated, or there is no password.
	known bool

	multi     bool      // between MULTI and EXEC
	failed    bool      // a command could not be queued
	queue     []request // what EXEC will run
	executing bool      // EXEC is running the queue, and holds server.mu
	watched   []watch   // keys under WATCH; guarded by server.mu, as is dirty
	dirty     bool      // a watched key was changed by another client
}

type request struct {
	command *command
	args    [][]byte
}

type watch struct {
	key     string
	existed bool
}

// serveConn serves one connection until it ends, ctx does, or the client sends QUIT.
func (s *Server) serveConn(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	defer conn.Close()
	s.mu.Lock()
	s.lastID++
	c := &session{server: s, id: s.lastID, conn: conn, protocol: resp2, known: s.cfg.Password == ""}
	s.mu.Unlock()
	defer c.unwatch()
	// A panic must end only its own connection.
	defer func() {
		if p := recover(); p != nil {
			s.cfg.Log.Error("connection failed", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	in := bufio.NewReaderSize(replyFirst{c}, readBuffer)
	for !c.quit {
		words, err := readRequest(in)
		var malformed protocolError
		switch {
		case errors.As(err, &malformed):
			c.out = appendReplyError(c.out, replyError("ERR "+malformed.Error()))
			c.quit = true
		case err != nil:
			return
		case len(words) > 0 && isHTTP(words[0]):
			s.warnOfHTTP(conn)
			return // what was pipelined is not executed, and pending replies are dropped
		case len(words) > 0:
			c.handle(words)
		}
	}
	_ = c.flush()
}

// isHTTP reports whether a command is the first word of an HTTP request with a body, or its header Host. Any web page can
// make a browser send such a request to this address, with commands in its body.
func isHTTP(command []byte) bool { return isWord(command, "post") || isWord(command, "host:") }

// httpWarningInterval is how often a refused HTTP request is logged at most.
const httpWarningInterval = time.Minute

// warnOfHTTP logs that a connection was closed because it sent an HTTP request.
func (s *Server) warnOfHTTP(conn net.Conn) {
	now := s.cfg.Now()
	s.mu.Lock()
	due := s.warnedOfHTTP.IsZero() || now.Sub(s.warnedOfHTTP) >= httpWarningInterval
	if due {
		s.warnedOfHTTP = now
	}
	s.mu.Unlock()
	if due {
		s.cfg.Log.Warn("closed a connection that sent HTTP (POST or Host:): a web page may be sending commands to this store",
			"client", conn.RemoteAddr().String(), "hint", "if it was you: this address speaks the Redis protocol, try redis-cli")
	}
}

// flush sends the replies made so far.
func (c *session) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.conn.Write(c.out)
	if c.out = c.out[:0]; cap(c.out) > maxIdleBuffer {
		c.out = nil
	}
	return err
}

// replyFirst reads from the connection, and sends pending replies before it waits for more: pipelined commands are
// replied to together.
type replyFirst struct{ *session }

func (r replyFirst) Read(p []byte) (int, error) {
	if err := r.flush(); err != nil {
		return 0, err
	}
	return r.conn.Read(p)
}

// handle runs or queues one command and appends its reply.
func (c *session) handle(args [][]byte) {
	name := strings.ToLower(string(args[0]))
	cmd, ok := c.server.commands[name]
	var problem error
	switch {
	case !ok:
		problem = unknownCommand(args)
	case !cmd.takes(len(args)):
		problem = wrongArity(cmd.name)
	case !c.known && !cmd.anybody:
		problem = replyError("NOAUTH Authentication required.")
	case c.multi && len(c.queue) >= maxQueued:
		problem = replyError("ERR too many commands in one transaction")
	}
	if problem != nil {
		c.failed = c.failed || c.multi
		c.out = appendReplyError(c.out, problem)
		return
	}
	r := request{cmd, args}
	switch {
	case cmd.session != nil && (!c.multi || cmd.controls):
		if err := cmd.session(c, args); err != nil {
			c.out = appendReplyError(c.out, err)
		}
	case c.multi:
		c.queue = append(c.queue, r)
		c.out = redcon.AppendString(c.out, "QUEUED")
	default:
		c.execute(cmd.writes, func() error { return c.run(r) })
	}
}

// execute runs work under the mutex, in a transaction if it writes. If the commit fails, the replies are replaced by an
// error: nothing is acknowledged that is not stored.
func (c *session) execute(writes bool, work func() error) {
	mark := len(c.out)
	if err := c.server.locked(writes, work); err != nil {
		c.server.cfg.Log.Error("run command", "error", err)
		c.out = redcon.AppendError(c.out[:mark], "MISCONF cannot store data: "+firstLine(err.Error()))
	}
}

// run runs one command; an error of the command is its reply, an error of the store is returned.
func (c *session) run(r request) error {
	var err error
	if r.command.session != nil {
		err = r.command.session(c, r.args)
	} else {
		k := call{store: c.server.store, server: c.server, args: r.args, out: c.out, protocol: c.protocol}
		err = r.command.run(&k)
		if err == nil {
			c.out = k.out
		}
	}
	var reply replyError
	if errors.As(err, &reply) {
		c.out = appendReplyError(c.out, reply)
		return nil
	}
	return err
}

// unwatch clears all watched keys.
func (c *session) unwatch() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.unwatchLocked()
}

func (c *session) unwatchLocked() {
	for _, w := range c.watched {
		delete(c.server.watchers[w.key], c)
		if len(c.server.watchers[w.key]) == 0 {
			delete(c.server.watchers, w.key)
		}
	}
	c.watched, c.dirty = nil, false
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
