package probe

import (
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/rpc/code"
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
