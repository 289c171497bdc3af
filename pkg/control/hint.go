package control

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Error makes an error with a hint for what to do next. The text may be a command to paste;
// exitCode is how a command that meets it exits, 0 to let the status code decide.
func Error(code codes.Code, message, hint string, exitCode int) error {
	return WithHint(status.Error(code, message), hint, exitCode)
}

// WithHint attaches a hint to an error, which crosses the socket with it. The status code stays;
// an error that has none becomes FAILED_PRECONDITION. nil stays nil.
func WithHint(err error, text string, exitCode int) error {
	if err == nil {
		return nil
	}
	st, ok := status.FromError(err)
	if !ok {
		st = status.New(codes.FailedPrecondition, err.Error())
	}
	hinted, detailErr := st.WithDetails(&controlpb.Hint{Text: text, ExitCode: int32(exitCode)})
	if detailErr != nil {
		return st.Err() // only an OK status refuses details
	}
	return hinted.Err()
}

// HintOf finds the hint of an error that came over the socket. exit is 0 when the status code decides.
func HintOf(err error) (text string, exit int, ok bool) {
	st, isStatus := status.FromError(err)
	if !isStatus {
		return "", 0, false
	}
	for _, d := range st.Details() {
		if h, isHint := d.(*controlpb.Hint); isHint {
			return h.GetText(), int(h.GetExitCode()), true
		}
	}
	return "", 0, false
}
