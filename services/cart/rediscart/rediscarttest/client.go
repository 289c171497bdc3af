package rediscarttest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/redcon"
)

// Client speaks the raw Redis protocol, whose details a real client would hide.
type Client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// Connect opens a connection that ends with the test.
func Connect(t testing.TB, addr string) *Client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &Client{t: t, conn: conn, in: bufio.NewReader(conn)}
}

// Do sends one command and returns its reply as text: PONG, (integer) 1, "bulk", (nil), (error) ERR ...,
// [a, b], and of version 3 (null), {a: b}, verbatim "txt:..."; (closed) when the connection ended.
func (c *Client) Do(words ...string) string {
	c.t.Helper()
	message := redcon.AppendArray(nil, len(words))
	for _, w := range words {
		message = redcon.AppendBulkString(message, w)
	}
	return c.Raw(string(message))
}

// Raw sends bytes as they are and returns the first reply.
func (c *Client) Raw(message string) string {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, message); err != nil {
		return "(closed)"
	}
	return c.Reply()
}

// Reply reads one more reply.
func (c *Client) Reply() string {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil {
		return "(closed)"
	}
	rest := strings.TrimSuffix(line[1:], "\r\n")
	switch line[0] {
	case '+':
		return rest
	case '-':
		return "(error) " + rest
	case ':':
		return "(integer) " + rest
	case '_':
		return "(null)"
	case '$', '*', '=', '%':
		n, err := strconv.Atoi(rest)
		if err != nil {
			c.t.Fatalf("malformed reply %q", line)
		}
		if n < 0 {
			return "(nil)"
		}
		switch line[0] {
		case '$':
			return c.bulk(n)
		case '=':
			return "verbatim " + c.bulk(n)
		case '%':
			return c.pairs(n)
		}
		elements := make([]string, n)
		for i := range elements {
			elements[i] = c.Reply()
		}
		return "[" + strings.Join(elements, ", ") + "]"
	}
	c.t.Fatalf("malformed reply %q", line)
	return ""
}

func (c *Client) pairs(n int) string {
	c.t.Helper()
	pairs := make([]string, n)
	for i := range pairs {
		key := c.Reply()
		pairs[i] = key + ": " + c.Reply()
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

func (c *Client) bulk(n int) string {
	c.t.Helper()
	data := make([]byte, n+2)
	if _, err := io.ReadFull(c.in, data); err != nil {
		return "(closed)"
	}
	return fmt.Sprintf("%q", data[:n])
}
