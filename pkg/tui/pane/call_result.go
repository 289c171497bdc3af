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

// contractKnown is what came of asking for the methods of a service, or for a request of one of them.
type Contract struct {
	Service, Method string // method is empty where all were asked for
	Methods         []call.Method
	Template        string
	Err             error
}

// answered is the end of a call; number names it.
type CallResult struct {
	Seq     int
	status  string // "OK", "NOT_FOUND"
	message string
	details []string
	took    time.Duration
	Trace   string
	Failure string // why it was not made
}

// answerOf puts what came of a call into words.
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
