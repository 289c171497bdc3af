package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/rpc/code"
)

// callView is the envelope of a call. Fields are only added, and always present.
type callView struct {
	Method     string              `json:"method"`
	Status     callStatusView      `json:"status"`
	Messages   []json.RawMessage   `json:"messages"`
	DurationMs float64             `json:"duration_ms"`
	TraceID    string              `json:"trace_id"`
	Headers    map[string][]string `json:"headers"`
	Trailers   map[string][]string `json:"trailers"`
}

type callStatusView struct {
	Code    string            `json:"code"`
	Number  int               `json:"number"`
	Message string            `json:"message"`
	Details []json.RawMessage `json:"details"`
}

func viewCall(r *call.Result) callView {
	v := callView{
		Status: callStatusView{
			Code: code.Name(r.Status.Code()), Number: int(r.Status.Code()), Message: r.Status.Message(),
			Details: append([]json.RawMessage{}, r.Details...),
		},
		Messages:   append([]json.RawMessage{}, r.Messages...),
		DurationMs: cmdutil.Millis(r.Duration), TraceID: r.TraceID,
		Headers: viewMetadata(r.Header), Trailers: viewMetadata(r.Trailer),
	}
	if r.Method.Name != "" {
		v.Method = r.Method.Full()
	}
	return v
}

// viewMetadata writes binary values as base64, which is what []byte is in JSON.
func viewMetadata(md metadata.MD) map[string][]string {
	v := map[string][]string{}
	for key, values := range md {
		for _, value := range values {
			if strings.HasSuffix(key, "-bin") {
				// A byte slice always encodes.
				text, _ := json.Marshal([]byte(value))
				value = strings.Trim(string(text), `"`)
			}
			v[key] = append(v[key], value)
		}
	}
	return v
}

// callExit is the exit code for a gRPC code.
func callExit(code codes.Code) int { return 64 + int(code) }

// callError is the code and the message of a call that failed, and an error for each detail.
func callError(r *call.Result) error {
	text := code.Name(r.Status.Code())
	if r.Status.Message() != "" {
		text += ": " + r.Status.Message()
	}
	all := []error{errors.New(text)}
	for _, detail := range r.Details {
		all = append(all, errors.New("detail: "+string(compactJSON(detail))))
	}
	return errors.Join(all...)
}

// statusView is a google.rpc.Status in JSON, which leaves out what is empty.
type statusView struct {
	Code    int               `json:"code"`
	Message string            `json:"message,omitempty"`
	Details []json.RawMessage `json:"details,omitempty"`
}

// printStatus prints the status of a failed call to standard error as JSON, as grpcurl does with -format-error.
func (o *callOptions) printStatus(r *call.Result) error {
	code := r.Status.Code()
	text, err := json.MarshalIndent(statusView{Code: int(code), Message: r.Status.Message(), Details: r.Details}, "", "  ")
	if err != nil {
		return fmt.Errorf("print the status of the call: %w", err)
	}
	if _, err := fmt.Fprintf(o.f.IO.Err, "%s\n", text); err != nil {
		return err
	}
	return cmdutil.ExitErr(callExit(code))
}

func compactJSON(raw json.RawMessage) []byte {
	text, err := json.Marshal(raw)
	if err != nil {
		return raw
	}
	return text
}

// callHint suggests where to look after a failed call.
func callHint(ios *iostreams.IO, t *callTarget, r *call.Result) string {
	if t.foreign {
		switch r.Status.Code() {
		case codes.Unavailable:
			return t.reach()
		case codes.DeadlineExceeded:
			return "give it more time: --deadline 30s"
		}
		return ios.Command(fmt.Sprintf("call %s %s --describe", t.Name, r.Method.Name))
	}
	if t.from != "" && r.TraceID != "" {
		return ios.Command("mesh explain " + r.TraceID)
	}
	if len(t.faults) > 0 {
		return ios.Command("fault list")
	}
	switch r.Status.Code() {
	case codes.Unavailable:
		if t.outside {
			return ios.Command("mesh listeners " + t.Name)
		}
		return ios.Command("ps")
	case codes.InvalidArgument, codes.NotFound, codes.OutOfRange, codes.Unimplemented:
		return strings.TrimSpace(ios.Command(fmt.Sprintf("call %s %s --describe", t.Name, r.Method.Name)))
	}
	return ios.Command("logs --tail 20 " + t.Name)
}

type methodsView struct {
	Service string       `json:"service"`
	Methods []methodView `json:"methods"`
}

type methodView struct {
	Name            string `json:"name"`
	FullName        string `json:"full_name"`
	Service         string `json:"service"`
	Request         string `json:"request"`
	Response        string `json:"response"`
	ClientStreaming bool   `json:"client_streaming"`
	ServerStreaming bool   `json:"server_streaming"`
}

func (v methodsView) Names() []string {
	names := make([]string, len(v.Methods))
	for i, m := range v.Methods {
		names[i] = m.FullName
	}
	return names
}

// warnUnreadable names the services that are missing because the server describes them wrongly.
func (o *callOptions) warnUnreadable(ctx context.Context, caller *call.Caller, t *callTarget) {
	for _, problem := range caller.Unreadable(ctx, t.Target) {
		o.f.IO.Warnf("%v", problem)
	}
}

// list prints the methods of a target.
func (o *callOptions) list(ctx context.Context, caller *call.Caller, t *callTarget) error {
	methods, err := caller.Methods(ctx, t.Target)
	if err != nil {
		return err
	}
	err = o.f.IO.Print(o.format, viewMethods(t, methods), func(w io.Writer) {
		table := iostreams.NewTable("METHOD", "REQUEST", "RESPONSE", "SERVICE")
		for _, m := range methods {
			table.Row(m.Short, streamed(m.ClientStreams, m.Input), streamed(m.ServerStreams, m.Output), m.Service)
		}
		table.Write(w)
	})
	o.warnUnreadable(ctx, caller, t)
	if err == nil && len(methods) > 0 && o.format == iostreams.FormatTable {
		o.f.IO.Next(fmt.Sprintf("call %s %s --template", t.Name, methods[0].Short))
	}
	return err
}

func viewMethods(t *callTarget, methods []call.Method) *methodsView {
	view := &methodsView{Service: t.Name, Methods: make([]methodView, len(methods))}
	for i, m := range methods {
		view.Methods[i] = methodView{
			Name: m.Name, FullName: m.Full(), Service: m.Service, Request: m.Input, Response: m.Output,
			ClientStreaming: m.ClientStreams, ServerStreaming: m.ServerStreams,
		}
	}
	return view
}

// streamed is a message's name, marked if it is a stream of them.
func streamed(is bool, message string) string {
	message = message[strings.LastIndex(message, ".")+1:]
	if is {
		return "stream " + message
	}
	return message
}
