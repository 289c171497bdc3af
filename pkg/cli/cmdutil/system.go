package cmdutil

import (
	"os"
	"time"
)

// System holds the arguments, streams and environment of the process.
type System struct {
	// Args are the arguments without the program's name.
	Args         []string
	In, Out, Err *os.File
	Getenv       func(string) string
	Environ      []string
	Now          func() time.Time
	// Signals delivers SIGINT, SIGTERM and SIGHUP.
	Signals <-chan os.Signal
}
