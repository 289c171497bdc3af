package tui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/rpc/code"
)

// contractKnown is what came of asking for the methods of a service, or for a request of one of them.
type contractKnown struct {
	service, method string // method is empty where all were asked for
	methods         []call.Method
	template        string
	err             error
}

// answered is the end of a call; number names it.
type answered struct {
	number  int
	status  string // "OK", "NOT_FOUND"
	message string
	details []string
	took    time.Duration
	trace   string
	fail    string // why it was not made
}

// answerOf puts what came of a call into words.
func answerOf(number int, result *call.Result, err error) answered {
	a := answered{number: number}
	var invalid *call.Invalid
	switch {
	case errors.As(err, &invalid) && invalid.Hint != "":
		a.fail = fmt.Sprintf("%s (%s)", invalid.Text, invalid.Hint)
		return a
	case err != nil:
		a.fail = errorText(err)
		return a
	}
	a.status, a.message = code.Name(result.Status.Code()), clean(strings.ReplaceAll(result.Status.Message(), "\n", " "))
	a.took, a.trace = result.Duration, result.TraceID
	for _, d := range result.Details {
		a.details = append(a.details, cleanLines(string(d))...)
	}
	return a
}
