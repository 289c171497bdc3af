package feed

import (
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// ErrorText is an error for the screen: what went wrong, and the hint if there is one.
func ErrorText(err error) string {
	text := err.Error()
	if st, ok := status.FromError(err); ok {
		text = st.Message()
	}
	if hint, _, ok := control.HintOf(err); ok && hint != "" {
		text += " (" + hint + ")"
	}
	return style.Clean(strings.ReplaceAll(text, "\n", " "))
}

// failureText is why a query has no result.
func failureText(err error) string {
	switch status.Code(err) {
	case codes.Unimplemented:
		return "the shop's daemon has another version and does not support this; restart it with shopctl down and shopctl up"
	case codes.DeadlineExceeded:
		return "the shop takes too long to respond"
	}
	return ErrorText(err)
}

// disconnectedReason is why there is no connection.
func disconnectedReason(err error) string {
	if errors.Is(err, control.ErrNotRunning) {
		return "the shop is not running"
	}
	if st, ok := status.FromError(err); ok {
		return "the shop does not respond: " + style.Clean(st.Message())
	}
	return "the shop does not respond: " + style.Clean(err.Error())
}
