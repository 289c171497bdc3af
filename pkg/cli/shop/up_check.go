package shop

import (
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/observe/otlp"
	"github.com/shopctl/shopctl/services"
)

// check validates the flags before anything starts.
func (o *upOptions) check() error {
	if !slices.Contains(o.parts.Drivers, o.daemon.Driver) {
		return cmdutil.UnknownNameErr("driver", o.daemon.Driver, o.parts.Drivers)
	}
	if o.daemon.Monolith && len(o.daemon.Only) > 0 {
		return cmdutil.UsageErr(o.ios.Command("up --monolith"), "--only cannot be combined with --monolith, which always starts as a whole")
	}
	for i, name := range o.daemon.Only {
		b, ok := services.Lookup(strings.TrimSpace(name))
		if !ok {
			return cmdutil.UnknownNameErr("service", name, cmdutil.BuiltinNames())
		}
		o.daemon.Only[i] = b.Name
	}
	if o.daemon.Forward != "" {
		if err := otlp.CheckEndpoint(o.daemon.Forward); err != nil {
			return cmdutil.UsageErr("--otlp-forward http://127.0.0.1:4318", "read --otlp-forward: %w", err)
		}
	}
	return nil
}
