package pane

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/rpc/code"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Contract is the methods of a service, or the request of one of them to fill in.
type Contract struct {
	Service, Method string // Method is empty if all were loaded
	Methods         []call.Method
	Template        string
	Err             error
}

// CallResult is the end of a call; Seq is the number of the call.
type CallResult struct {
	Seq     int
	status  string // "OK", "NOT_FOUND"
	message string
	details []string
	took    time.Duration
	Trace   string
	Failure string // why the call was not made
}

// NewCallResult makes the result of a call readable.
func NewCallResult(number int, result *call.Result, err error) CallResult {
	a := CallResult{Seq: number}
	var invalid *call.Invalid
	switch {
	case errors.As(err, &invalid) && invalid.Hint != "":
		a.Failure = fmt.Sprintf("%s (%s)", invalid.Text, invalid.Hint)
		return a
	case err != nil:
		a.Failure = feed.ErrorText(err)
		return a
	}
	a.status, a.message = code.Name(result.Status.Code()), style.Clean(strings.ReplaceAll(result.Status.Message(), "\n", " "))
	a.took, a.Trace = result.Duration, result.TraceID
	for _, d := range result.Details {
		a.details = append(a.details, style.CleanLines(string(d))...)
	}
	return a
}
