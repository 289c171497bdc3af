package cmdutil

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
)

// Exit codes. `call` adds 64 + the gRPC code.
const (
	ExitOK           = 0
	ExitFailed       = 1
	ExitUsage        = 2
	ExitNotRunning   = 3
	ExitInconclusive = 4
	ExitEnvironment  = 5
	ExitInterrupted  = 130
)

// Error is an error with a hint and an exit code.
type Error struct {
	// Err may be nil: then nothing is printed, because the command has already printed everything.
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

// UsageErr is an error in the command line: exit 2.
func UsageErr(hint, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Hint: hint, Code: ExitUsage}
}

// HintErr adds an exit code and a hint to err.
func HintErr(code int, hint string, err error) error {
	return &Error{Err: err, Hint: hint, Code: code}
}

// ExitErr ends the command with a code and no message.
func ExitErr(code int) error { return &Error{Code: code} }

// Report writes err with its hint to standard error, and returns the exit code.
func Report(ctx context.Context, ios *iostreams.IO, err error) int {
	if err == nil {
		return ExitOK
	}
	text, hint, code := Explain(err)
	if hint == "" && unexpected(err) {
		hint = "if this is a mistake of shopctl, report it at " + issues
	}
	if errors.Is(context.Cause(ctx), ErrInterrupted) && (code == ExitFailed || code == ExitInterrupted) {
		return ExitInterrupted
	}
	for _, message := range messages(err, text) {
		ios.PrintMessage("error", message)
	}
	ios.PrintMessage("hint", ios.ForThisShop(hint))
	return code
}

// messages splits the text of an error into problems. A line feed that does not separate two of them may be foreign: part of
// a name, or of what a program wrote.
func messages(err error, text string) []string {
	var problems interface{ Strings() []string }
	if errors.As(err, &problems) {
		return strings.Split(text, "\n")
	}
	if st, ok := StatusOf(err); ok && st.Code() == codes.InvalidArgument {
		if _, _, ours := control.HintOf(err); ours {
			return strings.Split(text, "\n")
		}
	}
	if e, ok := err.(*Error); ok {
		err = e.Err
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{text}
	}
	var parts []string
	for _, part := range joined.Unwrap() {
		parts = append(parts, part.Error())
	}
	if strings.Join(parts, "\n") != text {
		return []string{text}
	}
	return parts
}

// issues is where errors of shopctl itself are reported.
const issues = "https://github.com/shopctl/shopctl/issues"

// unexpected reports whether an error has no explanation for the user: it is not one of ours, or the daemon failed.
func unexpected(err error) bool {
	if st, ok := StatusOf(err); ok {
		return st.Code() == codes.Internal || st.Code() == codes.Unknown
	}
	var e *Error
	return !errors.As(err, &e)
}

// Explain maps an error to its text, hint and exit code: the one place that does.
func Explain(err error) (text, hint string, code int) {
	text, code = err.Error(), ExitFailed
	if st, ok := StatusOf(err); ok {
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
		hint, code = "shopctl up", ExitNotRunning
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

// StatusOf finds the gRPC status that err carries.
func StatusOf(err error) (*status.Status, bool) {
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
		return ExitUsage
	case codes.Unavailable:
		return ExitNotRunning
	case codes.DeadlineExceeded:
		return ExitInconclusive
	case codes.Canceled:
		return ExitInterrupted
	default:
		return ExitFailed
	}
}

// ErrInterrupted is the cause of a context that was canceled by a signal.
var ErrInterrupted = errors.New("interrupted")
