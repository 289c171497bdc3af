package feed

import "fmt"

// Crash is a panic in this program. The program ends in order, so that the terminal is restored before the panic is
// reported.
type Crash struct {
	What  string
	Cause any
	Stack []byte
}

func (c *Crash) Error() string { return fmt.Sprintf("%s: %v\n%s", c.What, c.Cause, c.Stack) }
