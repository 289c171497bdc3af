package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/rpc/code"
)

const defaultDeadline = 5 * time.Second

// rpcAsker evaluates probe.RPC.
type rpcAsker struct{ *probe.RPC }

func (a rpcAsker) command() string {
	line := "shopctl call " + a.Service + " " + a.Method
	if a.Proto != "" {
		line += " --proto " + a.Proto
	}
	if len(a.Request) > 0 {
		line += fmt.Sprintf(" '%s'", a.Request)
	}
	if a.Deadline > 0 {
		line += " --deadline " + a.Deadline.String()
	}
	return line
}

func (a rpcAsker) evidence() Evidence {
	return Evidence{
		Kind: CallEvidence, Service: a.Service, Method: a.Method, Request: string(a.Request),
		Deadline: a.Deadline, Proto: a.Proto,
	}
}

func (a rpcAsker) evaluate(ctx context.Context, p Prober, _ Baseline) Result {
	r := a.RPC
	res := Result{Expected: expected(r.Expect)}
	call := Call{Service: r.Service, Method: r.Method, Request: r.Request, Deadline: r.Deadline}
	if call.Deadline == 0 {
		call.Deadline = defaultDeadline
	}
	if r.Proto != "" {
		call.Proto = filepath.Join(p.Workspace, filepath.FromSlash(r.Proto))
	}
	for _, name := range sortedKeys(r.Headers) {
		call.Headers = append(call.Headers, name+": "+r.Headers[name])
	}
	reply, err := p.Caller.Call(ctx, call)
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
	case reply.Code == codes.Unavailable && r.Expect.Code.Code != codes.Unavailable && p.notRunning(ctx, r.Service):
		res.Verdict = Inconclusive
		res.Observed = r.Service + " is not running: " + reply.Message
	default:
		res.Verdict = Fail
	}
	return res
}

// notRunning reports whether a service has no ready instance, so that its response is not known.
func (p Prober) notRunning(ctx context.Context, service string) bool {
	s, err := p.service(ctx, service)
	return err == nil && s != nil && s.GetReady() == 0
}

func expected(x probe.Expect) string {
	parts := []string{code.Name(x.Code.Code)}
	if x.Message != nil {
		parts = append(parts, "message "+words(*x.Message))
	}
	for _, f := range x.Fields {
		parts = append(parts, f.Path+" "+words(f.Match))
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
func compare(x probe.Expect, reply Reply) (bool, string) {
	ok := reply.Code == x.Code.Code
	parts := []string{code.Name(reply.Code)}
	if reply.Code != codes.OK && reply.Message != "" {
		parts[0] += ": " + short(reply.Message)
	}
	if x.Message != nil && !matches(*x.Message, reply.Message) {
		ok = false
	}
	if reply.Code == codes.OK && len(x.Fields) > 0 {
		body, err := decode(reply.Response)
		if err != nil {
			return false, "the response is not JSON: " + err.Error()
		}
		for _, f := range x.Fields {
			v, _ := probe.Find(body, f.Path)
			if !matches(f.Match, v) {
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

func showField(m probe.Match, v any) string {
	switch {
	case v == nil:
		return "is absent"
	case m.Count != nil:
		return fmt.Sprintf("has %d", countOf(v))
	}
	return short(textOf(v))
}

// decode keeps numbers as they are written: an int64 does not fit a float.
func decode(raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

const maxShown = 160

func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
