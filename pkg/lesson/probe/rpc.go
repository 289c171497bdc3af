package probe

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/rpc/code"
	"github.com/shopctl/shopctl/pkg/shellword"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// RPC calls a method and expects an outcome.
type RPC struct {
	At      strictyaml.Position
	Service string `yaml:"service" lesson:"required"`
	Method  string `yaml:"method" lesson:"required"`
	// Request is JSON, or the same as YAML.
	Request JSON `yaml:"request"`
	// Proto is a file of the workspace that describes the service; default: its server reflection.
	Proto   string            `yaml:"proto"`
	Headers map[string]string `yaml:"headers"`
	// Deadline of the call; default 5 s.
	Deadline time.Duration `yaml:"deadline"`
	Expect   Expect        `yaml:"expect"`
}

// Expect is the outcome of a call.
type Expect struct {
	Code    Code    `yaml:"code"`
	Message *Match  `yaml:"message"`
	Fields  []Field `yaml:"fields"`
	// Below and Above bound the call's duration.
	Below time.Duration `yaml:"below"`
	Above time.Duration `yaml:"above"`
}

// Code is a gRPC code by its name: "NOT_FOUND". The zero value is OK.
type Code struct{ codes.Code }

// DecodeNode reads the name.
func (c *Code) DecodeNode(n *yaml.Node) error {
	var text string
	if err := strictyaml.Into(n, &text); err != nil {
		return err
	}
	if found, ok := code.Parse(text); ok {
		c.Code = found
		return nil
	}
	return strictyaml.At(n, "unknown code %q%s", text, strictyaml.DidYouMean(text, code.Names()))
}

// longestCall keeps a probe short.
const longestCall = 30 * time.Second

// Validate implements Probe.
func (r *RPC) Validate(report Report) {
	if r.Service == "" || r.Method == "" {
		report(r.At, "an rpc names a service and a method")
	}
	if r.Deadline > longestCall {
		report(r.At, "a deadline of %s is too long for a check, want at most %s", r.Deadline, longestCall)
	}
	if r.Proto != "" && !filepath.IsLocal(filepath.FromSlash(r.Proto)) {
		report(r.At, "proto names a file of the workspace, got %q", r.Proto)
	}
	report.fields(r.Expect.Fields)
}

// ProbeKind implements Probe.
func (*RPC) ProbeKind() string { return "rpc" }

// NamedServices implements Probe.
func (r *RPC) NamedServices() []Named { return []Named{{r.Service, r.At}} }

// Lookback implements Probe.
func (*RPC) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*RPC) Triggers() Event { return StateChanged }

const defaultDeadline = 5 * time.Second

// Command implements Probe.
func (r *RPC) Command() string {
	words := []string{"shopctl", "call", r.Service, r.Method}
	if r.Proto != "" {
		words = append(words, "--proto", r.Proto)
	}
	if len(r.Request) > 0 {
		words = append(words, string(r.Request))
	}
	if r.Deadline > 0 {
		words = append(words, "--deadline", r.Deadline.String())
	}
	return shellword.Join(words...)
}

// Evidence implements Probe.
func (r *RPC) Evidence() Evidence {
	return Evidence{
		Kind: CallEvidence, Service: r.Service, Method: r.Method, Request: string(r.Request),
		Deadline: r.Deadline, Proto: r.Proto,
	}
}

// Ask implements Probe.
func (r *RPC) Ask(ctx context.Context, env Env, _ Baseline) Result {
	res := Result{Expected: expected(r.Expect)}
	call := Call{Service: r.Service, Method: r.Method, Request: r.Request, Deadline: r.Deadline}
	if call.Deadline == 0 {
		call.Deadline = defaultDeadline
	}
	if r.Proto != "" {
		call.Proto = filepath.Join(env.Workspace, filepath.FromSlash(r.Proto))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		call.Headers = append(call.Headers, name+": "+r.Headers[name])
	}
	reply, err := env.Caller.Call(ctx, call)
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		res.Verdict, res.Observed = Fail, "not sent: "+refused.Text
		return res
	case err != nil:
		res.Verdict, res.Observed = Inconclusive, err.Error()
		return res
	}
	var found bool
	found, res.Observed = compare(r.Expect, reply)
	switch {
	case found:
		res.Verdict = Pass
	case reply.Code == codes.Unavailable && r.Expect.Code.Code != codes.Unavailable && env.notRunning(ctx, r.Service):
		res.Verdict = Inconclusive
		res.Observed = r.Service + " is not running: " + reply.Message
	default:
		res.Verdict = Fail
	}
	return res
}

func expected(x Expect) string {
	parts := []string{code.Name(x.Code.Code)}
	if x.Message != nil {
		parts = append(parts, "message "+x.Message.String())
	}
	for _, f := range x.Fields {
		parts = append(parts, f.Path+" "+f.Match.String())
	}
	if x.Below > 0 {
		parts = append(parts, "in less than "+humanize.Span(x.Below))
	}
	if x.Above > 0 {
		parts = append(parts, "in more than "+humanize.Span(x.Above))
	}
	return strings.Join(parts, ", ")
}

// compare reports whether a reply is as expected, and describes what was compared.
func compare(x Expect, reply Reply) (bool, string) {
	ok := reply.Code == x.Code.Code
	parts := []string{code.Name(reply.Code)}
	if reply.Code != codes.OK && reply.Message != "" {
		parts[0] += ": " + short(reply.Message)
	}
	if x.Message != nil && !x.Message.Holds(reply.Message) {
		ok = false
	}
	if reply.Code == codes.OK && len(x.Fields) > 0 {
		body, err := decode(reply.Response)
		if err != nil {
			return false, "the response is not JSON: " + err.Error()
		}
		for _, f := range x.Fields {
			v, _ := Find(body, f.Path)
			if !f.Match.Holds(v) {
				ok = false
			}
			parts = append(parts, f.Path+" "+showField(f.Match, v))
		}
	}
	if x.Below > 0 || x.Above > 0 {
		if x.Below > 0 && reply.Took >= x.Below || x.Above > 0 && reply.Took <= x.Above {
			ok = false
		}
		parts = append(parts, "in "+humanize.Duration(reply.Took))
	}
	return ok, strings.Join(parts, ", ")
}
