package feed

import "fmt"

// crashed is a panic of ours. The program ends in order, so that the terminal is what it was before the panic
// is told of.
type Crash struct {
	What  string
	Cause any
	Stack []byte
}

func (c *Crash) Error() string { return fmt.Sprintf("%s: %v\n%s", c.What, c.Cause, c.Stack) }
