package main_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhatIsTypedOnTheScreenOfALessonByAnotherAuthorIsLimited(t *testing.T) {
	m := newMachine(t)
	dir := hostile{}.write(m, "screen")
	term := newTerminal(t)
	term.wait(`# $`)
	for _, kv := range m.environ[2:5] { // of the machine's shop
		term.keys("export " + kv + "\n")
	}
	term.keys("shopctl up --only catalog\n")
	term.wait(`1/1 services healthy`)
	term.keys("shopctl lesson " + dir + "\n")
	term.wait(`\x1b\[\?1049h`)
	term.wait(`Run\.`)
	for _, typed := range []struct{ line, want string }{
		{"set env catalog LD_PRELOAD=x", `error: change deployment`},
		{"stop payment --name second", `error: a lesson by another author`},
		{"down", `run shopctl down: a lesson by another`},
	} {
		term.keys(":")
		term.keys(typed.line + "\r")
		term.wait(typed.want)
	}
	if err := unix.Kill(term.child(), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	term.wait(`the shop is restored`)
}
