package main_test

import (
	"net"
	"os/exec"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// redis starts a redis-server until the story ends, and sets a variable to its address: redis VAR.
func redis(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: redis VAR")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	addr := l.Addr().String()
	ts.Check(l.Close())
	_, port, err := net.SplitHostPort(addr)
	ts.Check(err)
	server := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", ts.MkAbs("."))
	ts.Check(server.Start())
	ts.Defer(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	eventually.True(ts, "redis-server listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	ts.Setenv(args[0], addr)
}
