package rediscart

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// probeKey exists only within the transaction of a check.
const probeKey = "shopctl:probe"

// Check reports why the store at addr cannot be used; nil if it can. Any reply shows that it is alive. If write is set,
// it must also be able to write, which it tries in a transaction that leaves nothing behind: a store that has no room
// for its data still replies to reads. A store whose password is another one is not judged by its writes.
func Check(ctx context.Context, addr, password string, write bool) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	var commands [][]string
	if password != "" {
		commands = append(commands, []string{"AUTH", password})
	}
	if write {
		commands = append(commands, []string{"MULTI"}, []string{"SET", probeKey, "1"}, []string{"DEL", probeKey}, []string{"EXEC"})
	} else {
		commands = append(commands, []string{"PING"})
	}
	if _, err := conn.Write(encode(commands)); err != nil {
		return fmt.Errorf("write to the store: %w", err)
	}
	replies := bufio.NewReader(conn)
	for range commands {
		line, err := replies.ReadString('\n')
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			return errors.New("the store accepts connections and does not respond")
		case err != nil:
			return fmt.Errorf("read from the store: %w", err)
		}
		line = strings.TrimSpace(line)
		switch {
		case !write, strings.HasPrefix(line, "-NOAUTH"), strings.HasPrefix(line, "-WRONGPASS"):
			return nil
		case strings.HasPrefix(line, "-ERR AUTH"): // it has no password
		case strings.HasPrefix(line, "-"):
			return fmt.Errorf("the store cannot write: %s", line[1:])
		}
	}
	return execFailure(replies)
}

// execFailure reads the two elements of EXEC's reply.
func execFailure(replies *bufio.Reader) error {
	for range 2 {
		line, err := replies.ReadString('\n')
		if err != nil {
			return fmt.Errorf("read from the store: %w", err)
		}
		if strings.HasPrefix(line, "-") {
			return fmt.Errorf("the store cannot write: %s", strings.TrimSpace(line[1:]))
		}
	}
	return nil
}

// encode is the commands as Redis reads them.
func encode(commands [][]string) []byte {
	var b []byte
	for _, words := range commands {
		b = fmt.Appendf(b, "*%d\r\n", len(words))
		for _, w := range words {
			b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	return b
}
