package cmdutil

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// DaemonFlags are the flags that up passes on to the daemon that it starts.
type DaemonFlags struct {
	Only     []string
	Port     int
	PortBase int
	PromPort int
	// Forward is an additional endpoint for spans.
	Forward string
	// Redis keeps the carts: "host:port".
	Redis    string
	Monolith bool
	// Mesh decides about sidecars: auto, on or off.
	Mesh string
	// Sidecars is own or shared: one process for each, or one for all.
	Sidecars string
	// Driver runs the services: "process".
	Driver string
}

// Add adds the flags to cmd. drivers are the values of --driver, with the default first.
func (o *DaemonFlags) Add(cmd *cobra.Command, drivers []string) {
	flags := cmd.Flags()
	flags.StringSliceVar(&o.Only, "only", nil, "start only these `SERVICES` and their dependencies")
	flags.BoolVar(&o.Monolith, "monolith", false, "run the services as modules of one process, with in-process calls")
	flags.StringVar(&o.Mesh, "mesh", "auto", "sidecars: auto (once an Istio object is applied), on or off")
	CompleteWords(cmd, "mesh", "auto", "on", "off")
	flags.StringVar(&o.Sidecars, "sidecars", "own", "processes of sidecars: own (one for each) or shared (one for all)")
	CompleteWords(cmd, "sidecars", "own", "shared")
	flags.StringVar(&o.Driver, "driver", drivers[0], "how services are run: "+strings.Join(drivers, ", "))
	CompleteWords(cmd, "driver", drivers...)
	flags.IntVar(&o.Port, "port", 0, "`PORT` of the storefront (default 8080, or a free port if that is taken)")
	flags.IntVar(&o.PromPort, "prometheus-port", 0, "`PORT` of Prometheus' HTTP API (default 9090, or a free port if that is taken)")
	flags.StringVar(&o.Forward, "otlp-forward", "", "also forward all spans to this OTLP `ENDPOINT`: http://HOST:4318 or grpc://HOST:4317")
	flags.StringVar(&o.Redis, "redis", "", "keep carts in this Redis, and run no store: redis://`HOST:PORT`")
	flags.IntVar(&o.PortBase, "port-base", 0, "first `PORT` of the services' addresses (default: free ports)")
	LimitNumber(cmd, "port", 1, 65535, "8081")
	LimitNumber(cmd, "prometheus-port", 1, 65535, "9091")
	LimitNumber(cmd, "port-base", 1, 65000, "7000")
}

// Args returns the flags as arguments.
func (o *DaemonFlags) Args() []string {
	var args []string
	if len(o.Only) > 0 {
		args = append(args, "--only", strings.Join(o.Only, ","))
	}
	if o.Port != 0 {
		args = append(args, "--port", strconv.Itoa(o.Port))
	}
	if o.PortBase != 0 {
		args = append(args, "--port-base", strconv.Itoa(o.PortBase))
	}
	if o.PromPort != 0 {
		args = append(args, "--prometheus-port", strconv.Itoa(o.PromPort))
	}
	if o.Forward != "" {
		args = append(args, "--otlp-forward", o.Forward)
	}
	if o.Redis != "" {
		args = append(args, "--redis", o.Redis)
	}
	if o.Monolith {
		args = append(args, "--monolith")
	}
	if o.Mesh != "" && o.Mesh != "auto" {
		args = append(args, "--mesh", o.Mesh)
	}
	if o.Sidecars != "" && o.Sidecars != "own" {
		args = append(args, "--sidecars", o.Sidecars)
	}
	if o.Driver != "" {
		args = append(args, "--driver", o.Driver)
	}
	return args
}
