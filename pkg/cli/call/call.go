// Package call implements the commands that call the shop's services over gRPC and HTTP.
package call

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

type callOptions struct {
	f            *cmdutil.Factory
	format       string
	headers      []string
	expand       bool
	userAgent    string
	deadline     time.Duration
	trace        bool
	emitDefaults bool
	describe     bool
	template     bool
	files        call.Files
	secure       tlsOptions
	data         dataOptions
	repeat       int
	outside      strangerOptions
	from         string
	unix         bool
}

func NewCallCmd(f *cmdutil.Factory) *cobra.Command {
	o := &callOptions{f: f}
	cmd := &cobra.Command{
		Use:   "call SERVICE [METHOD] [JSON]",
		Short: "Call a gRPC method of a service with JSON, or list its methods",
		Long: `Call a gRPC method of a built-in service by name, of any other Service of the shop, or of any server at host:port with
reflection. Without a method, list the methods.

The message is JSON, as an argument or on standard input ("-" always reads it). A client-streaming method accepts
several messages, one after the other; responses are printed as they arrive. Method names may be short
(ListProducts) or full (hipstershop.ProductCatalogService/ListProducts). As with grpcurl, "list" prints names of
services, "list NAME" those of a service's methods, and "describe NAME" the source of a service, method, message or
enum.

A call that fails exits with 64 + its gRPC code, as grpcurl does: 69 is NOT_FOUND, 78 UNAVAILABLE. The default
deadline is 10s for calls without streams.

--repeat makes the call many times over one connection and prints latency (excluding local JSON work) and bytes per
message and on the wire.

A call goes to a port of the program itself, as through kubectl port-forward. With --from, it goes through another
service's sidecar as that service's calls do: routes, retries and policies apply. SERVICE can then have a port. With
--plaintext, it goes to the port of the service's own sidecar without TLS, as the calls of programs outside of the
mesh: accepted unless a PeerAuthentication demands mutual TLS. --wire prints what goes over the connection.`,
		Example: `shopctl call catalog ListProducts
shopctl call cart
shopctl call catalog GetProduct '{"id": "OLJCESPC7Z"}'
shopctl call payment Charge --describe
shopctl call payment Charge --template > charge.json
shopctl call payment Charge -o json < charge.json
shopctl call payment Charge --plaintext --wire < charge.json
shopctl call payment Charge --from checkout --trace < charge.json
shopctl call 127.0.0.1:50051 Greeter/SayHello '{"name": "you"}'
shopctl call 127.0.0.1:50051 list
shopctl call example.com:443 --tls Greeter/SayHello -d @ < you.json
shopctl call 127.0.0.1:50051 Greeter/SayHello -d '{}' --import-path protos --proto greeter/v1/greeter.proto`,
		Args:              callArgs,
		ValidArgsFunction: o.complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			args, err := o.data.check(cmd, o, args)
			if err != nil {
				return err
			}
			if o.unix {
				if args[0], err = socket(args[0]); err != nil {
					return err
				}
			}
			return o.run(cmd.Context(), args)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.headers, "header", "H", nil, "send this header: `'NAME: VALUE'`, or @- for those on standard input; can be repeated")
	flags.BoolVar(&o.expand, "expand-headers", false, "replace ${NAME} in headers by the value of this environment variable")
	flags.StringVar(&o.userAgent, "user-agent", "", "send this `TEXT` in front of shopctl's own user-agent")
	flags.Var(deadlineValue{&o.deadline}, "deadline", "deadline of the call, such as 2s")
	flags.BoolVar(&o.trace, "trace", false, "start a trace and print its id to standard error")
	flags.BoolVar(&o.emitDefaults, "emit-defaults", false, "also print fields with default values")
	flags.BoolVar(&o.describe, "describe", false, "print the contract of METHOD (or a message, service or enum), or the whole contract")
	flags.BoolVar(&o.template, "template", false, "print an empty request message of METHOD")
	flags.IntVar(&o.repeat, "repeat", 0, "make the call `TIMES` times and print latency and size")
	flags.BoolVar(&o.unix, "unix", false, "the server is not a service but the path of a Unix domain socket")
	o.data.add(cmd, o.completeMessage)
	addFiles(cmd, &o.files)
	o.secure.add(cmd)
	o.outside.add(cmd)
	addFrom(cmd, f, &o.from)
	cmdutil.LimitNumber(cmd, "repeat", 1, maxRepeats, "100")
	cmdutil.LimitTime(cmd, "deadline", 1, "2s")
	cmdutil.RenameFlags(cmd, map[string]string{"max-time": "deadline", "rpc-header": "header", "addl-header": "header", "msg-template": "template"})
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, 64, cmdutil.ExitInterrupted)
}

func callArgs(cmd *cobra.Command, args []string) error {
	return cmdutil.Count(cmd, args, 1, 3, "a service, a method and a message")
}

// callGCPercent lets the heap grow to 16 MB before a collection: a call lives for some milliseconds, of which a
// collection would take a tenth.
const callGCPercent = 400

func (o *callOptions) run(ctx context.Context, args []string) error {
	if set := o.f.SetGCPercent; set != nil {
		defer set(set(callGCPercent))
	}
	if o.describe && o.template {
		return cmdutil.UsageErr(o.f.IO.Command("call "+args[0]+" --describe"), "--describe and --template cannot be combined")
	}
	if err := cmp.Or(o.checkRepeat(args), o.checkFrom(args), o.outside.check(o, args), o.secure.check(o, args), o.checkFiles(args), o.readHeaders(args)); err != nil {
		return err
	}
	if o.template && len(args) < 2 {
		return cmdutil.UsageErr(o.f.IO.Command("call "+args[0]), "missing argument: the method for --template")
	}
	if o.f.Foreign() && o.from == "" && strings.Contains(args[0], ":") {
		return cmdutil.ForeignErr("call %s: it calls only services of the shop", args[0])
	}
	config := call.Config{Now: o.f.Now, Rand: rand.Reader}
	if o.outside.wire {
		config.Wire = call.NewWire(o.f.IO.Err)
	}
	caller := call.New(config)
	defer caller.Close()
	t, err := o.target(ctx, args)
	if err != nil {
		return err
	}
	t.Files, t.TLS, t.Authority, t.UserAgent = o.files, o.secure.secured(), o.secure.authority, o.userAgent
	switch verb := o.verb(ctx, caller, t, args); {
	case verb == verbList && !o.describe && !o.template:
		err = o.listNames(ctx, caller, t, args[2:])
	case verb == verbDescribe && o.template && len(args) > 2:
		err = o.showTemplate(ctx, caller, t, args[2])
	case verb == verbDescribe:
		err = o.showContract(ctx, caller, t, args[2:])
	case o.describe:
		err = o.showContract(ctx, caller, t, args[1:])
	case o.template:
		err = o.showTemplate(ctx, caller, t, args[1])
	case len(args) == 1:
		err = o.list(ctx, caller, t)
	case o.repeat > 0:
		err = o.repeatCall(ctx, t, args[1:])
	default:
		err = o.invoke(ctx, caller, t, args[1:])
	}
	return o.explain(t, err)
}

// target is the server to call.
func (o *callOptions) target(ctx context.Context, args []string) (*callTarget, error) {
	switch {
	case o.outside.plaintext && !strings.Contains(args[0], ":"):
		return o.stranger(ctx, args[0])
	case o.from != "":
		return o.through(ctx, args[0])
	}
	offline := len(args) < 2 || o.describe || o.template || args[1] == verbList || args[1] == verbDescribe
	return findTarget(ctx, o.f.IO, o.f.Shop, o.f.Namespace, args[0], offline)
}

// showContract prints the proto source of a symbol, or of the whole contract.
func (o *callOptions) showContract(ctx context.Context, caller *call.Caller, t *callTarget, args []string) error {
	symbol := ""
	if len(args) > 0 {
		symbol = args[0]
	}
	text, err := caller.Describe(ctx, t.Target, symbol)
	if err != nil {
		return err
	}
	if symbol == "" {
		o.warnUnreadable(ctx, caller, t)
	}
	_, err = io.WriteString(o.f.IO.Out, text)
	return err
}

func (o *callOptions) showTemplate(ctx context.Context, caller *call.Caller, t *callTarget, method string) error {
	text, err := caller.Template(ctx, t.Target, method)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.f.IO.Out, "%s\n", text)
	return err
}

// invoke makes the call. args are the method and, maybe, the message.
func (o *callOptions) invoke(ctx context.Context, caller *call.Caller, t *callTarget, args []string) error {
	if o.format == iostreams.FormatName {
		return cmdutil.UsageErr("-o json", "-o name is only for the list of methods")
	}
	messages, err := o.messages(ctx, caller, t, args)
	if err != nil {
		return err
	}
	request := call.Request{
		Target: t.Target, Method: args[0], Messages: messages, Headers: o.headers,
		Deadline: o.deadline, Trace: o.trace, EmitDefaults: o.emitDefaults, Text: o.data.format == messagesText,
		AllowUnknown: o.data.allowUnknown,
	}
	var writeErr error
	if o.format == iostreams.FormatTable {
		request.OnMessage = func(m json.RawMessage) {
			if _, err := fmt.Fprintf(o.f.IO.Out, "%s\n", m); err != nil {
				writeErr = err
			}
		}
	}
	result, err := caller.Invoke(ctx, request)
	if err != nil {
		return err
	}
	if result.TraceID != "" {
		fmt.Fprintf(o.f.IO.Err, "trace: %s\n", result.TraceID)
		if !t.foreign {
			next := "trace show "
			if t.from != "" {
				next = "mesh explain "
			}
			o.f.IO.Next(next + result.TraceID)
		}
	}
	if writeErr != nil {
		return writeErr
	}
	return o.finish(ctx, t, result)
}

// finish prints the envelope if -o asks for one, and turns a status other than OK into an error.
func (o *callOptions) finish(ctx context.Context, t *callTarget, result *call.Result) error {
	if o.format != iostreams.FormatTable {
		if err := o.f.IO.Print(o.format, viewCall(result), nil); err != nil {
			return err
		}
	}
	code := result.Status.Code()
	switch {
	case code == codes.OK:
		return nil
	case code == codes.Canceled && ctx.Err() != nil:
		return cmdutil.ExitErr(cmdutil.ExitInterrupted)
	case o.format != iostreams.FormatTable:
		return cmdutil.ExitErr(callExit(code)) // The envelope holds everything.
	case o.data.formatError:
		return o.printStatus(result)
	}
	for _, fault := range t.faults {
		o.f.IO.Notef("fault on %s: %s", t.Name, fault)
	}
	return cmdutil.HintErr(callExit(code), callHint(o.f.IO, t, result), callError(result))
}

// messages returns the source of the request's messages: the argument, or standard input if it is not a terminal
// and the request message has fields. A streaming method also reads from a terminal.
func (o *callOptions) messages(ctx context.Context, caller *call.Caller, t *callTarget, args []string) (io.Reader, error) {
	if len(args) > 1 && args[1] != "-" && args[1] != "@" {
		return strings.NewReader(args[1]), nil
	}
	if len(args) > 1 {
		return o.f.IO.In, nil
	}
	m, err := caller.Resolve(ctx, t.Target, args[0])
	switch {
	case err != nil:
		// The call itself reports the problem.
		var invalid *call.Invalid
		if errors.As(err, &invalid) {
			return nil, err
		}
		return nil, nil
	case m.ClientStreams && o.f.IO.InTTY:
		o.f.IO.Notef("type JSON messages (%s), then ctrl+d", m.Input)
		return o.f.IO.In, nil
	case m.TakesNothing() || o.f.IO.InTTY:
		return nil, nil
	}
	return o.f.IO.In, nil
}
