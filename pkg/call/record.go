package call

import (
	"encoding/json"
	"fmt"

	"github.com/fullstorydev/grpcurl"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	//lint:ignore SA1019 grpcurl speaks in these descriptors
	"github.com/jhump/protoreflect/desc"
)

// recorder writes down what happens in a call. It is a grpcurl.InvocationEventHandler.
type recorder struct {
	result    *Result
	json      grpcurl.Formatter
	text      grpcurl.Formatter // nil: messages are JSON
	onMessage func(json.RawMessage)
	err       error

	ended       chan struct{} // closed when the server has ended the call
	stopWaiting func()        // ends the wait for another request message
}

func (r *recorder) hasEnded() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// OnResolveMethod is of no interest: the method is known.
func (r *recorder) OnResolveMethod(*desc.MethodDescriptor) {}

// OnSendHeaders is of no interest: the headers are known.
func (r *recorder) OnSendHeaders(metadata.MD) {}

// OnReceiveHeaders notes the response's header.
func (r *recorder) OnReceiveHeaders(md metadata.MD) { r.result.Header = md }

// OnReceiveResponse notes a message, or passes it on.
func (r *recorder) OnReceiveResponse(m protoadapt.MessageV1) {
	format := r.json
	if r.text != nil {
		format = r.text
	}
	text, err := format(m)
	if err != nil {
		if r.err == nil {
			r.err = fmt.Errorf("write response: %w", err)
		}
		return
	}
	if r.text != nil {
		r.onMessage(json.RawMessage(text))
		return
	}
	if r.onMessage != nil {
		r.onMessage(readable(text))
		return
	}
	r.result.Messages = append(r.result.Messages, readable(text))
}

// OnReceiveTrailers notes how the call ended.
func (r *recorder) OnReceiveTrailers(st *status.Status, md metadata.MD) {
	r.result.Status, r.result.Trailer = st, md
	close(r.ended)
	r.stopWaiting()
}

// details decodes the details of the status.
func (r *recorder) details() error {
	for _, detail := range r.result.Status.Proto().GetDetails() {
		text, err := r.json(protoadapt.MessageV1Of(detail))
		if err != nil {
			return fmt.Errorf("write error detail %s as JSON: %w", detail.GetTypeUrl(), err)
		}
		r.result.Details = append(r.result.Details, readable(text))
	}
	return nil
}
