package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/control"
)

// Exit codes. `call` adds 64 + the gRPC code.
const (
	exitOK           = 0
	exitFailed       = 1
	exitUsage        = 2
	exitNotRunning   = 3
	exitInconclusive = 4
	exitEnvironment  = 5
	exitInterrupted  = 130
)

// Error is an error with what to do about it and how the process exits.
type Error struct {
	// Err may be nil: then nothing is printed, everything has been said already.
	Err error
	// Hint can be pasted where it is a command; "" if there is none.
	Hint string
	Code int
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit %d", e.Code)
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// usageErr is an error in how the command was written: exit 2.
func usageErr(hint, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Hint: hint, Code: exitUsage}
}

// hintErr adds an exit code and a hint to err.
func hintErr(code int, hint string, err error) error {
	return &Error{Err: err, Hint: hint, Code: code}
}

// exitErr ends the command with a code and without a word.
func exitErr(code int) error { return &Error{Code: code} }

// report writes err as people should see it, and returns the exit code.
func report(ctx context.Context, ios *IO, err error) int {
	if err == nil {
		return exitOK
	}
	text, hint, code := explain(err)
	if errors.Is(context.Cause(ctx), errInterrupted) && (code == exitFailed || code == exitInterrupted) {
		return exitInterrupted
	}
	ios.say("error", text)
	ios.say("hint", ios.forThisShop(hint))
	return code
}

// forThisShop makes a hint that is a command go to the shop at hand: whoever gave it, the daemon
// included, need not know what that is called.
func (ios *IO) forThisShop(hint string) string {
	args, ok := strings.CutPrefix(hint, "shopctl ")
	if !ok || strings.HasPrefix(args, "--name ") {
		return hint
	}
	return ios.command(args)
}

// say writes text to standard error, each of its lines as "shopctl: what: line".
func (ios *IO) say(what, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(ios.Err, "shopctl: %s: %s\n", what, strings.TrimRight(line, "\n"))
	}
}

// explain maps an error to its text, hint and exit code: the one place that does.
func explain(err error) (text, hint string, code int) {
	text, code = err.Error(), exitFailed
	if st, ok := statusOf(err); ok {
		text, code = strings.Replace(text, st.Err().Error(), st.Message(), 1), exitOfStatus(st.Code())
		if st.Code() == codes.Unavailable {
			hint = "shopctl up"
		}
	}
	if h, c, ok := control.HintOf(err); ok {
		hint = h
		if c != 0 {
			code = c
		}
	}
	if errors.Is(err, control.ErrNotRunning) {
		hint, code = "shopctl up", exitNotRunning
	}
	var e *Error
	if errors.As(err, &e) {
		if e.Err == nil {
			text = ""
		}
		if e.Hint != "" {
			hint = e.Hint
		}
		if e.Code != 0 {
			code = e.Code
		}
	}
	return text, hint, code
}

// statusOf finds the gRPC status that err carries.
func statusOf(err error) (*status.Status, bool) {
	var carrier interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &carrier) {
		return nil, false
	}
	st := carrier.GRPCStatus()
	return st, st != nil
}

func exitOfStatus(code codes.Code) int {
	switch code {
	case codes.InvalidArgument, codes.OutOfRange, codes.Unimplemented:
		return exitUsage
	case codes.Unavailable:
		return exitNotRunning
	case codes.DeadlineExceeded:
		return exitInconclusive
	case codes.Canceled:
		return exitInterrupted
	default:
		return exitFailed
	}
}
