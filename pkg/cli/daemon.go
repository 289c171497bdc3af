package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/daemon"
	"github.com/shopctl/shopctl/pkg/observe/otlp"
	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/pkg/workload"
)

// daemonFlags are what up tells the daemon that it starts.
type daemonFlags struct {
	only     []string
	port     int
	portBase int
	promPort int
	// forward is where spans go, too.
	forward  string
	monolith bool
}

func (o *daemonFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&o.only, "only", nil, "start these `SERVICES` alone, and what they need")
	flags.BoolVar(&o.monolith, "monolith", false, "run the shop's services in one process, with calls between them that cross no network")
	flags.IntVar(&o.port, "port", 0, "`PORT` of the storefront (default 8080, or another one if that is taken)")
	flags.IntVar(&o.promPort, "prometheus-port", 0, "`PORT` of Prometheus' HTTP API (default 9090, or another one if that is taken)")
	flags.StringVar(&o.forward, "otlp-forward", "", "send all spans on to this OTLP `ENDPOINT`, too: http://HOST:4318 or grpc://HOST:4317")
	flags.IntVar(&o.portBase, "port-base", 0, "first `PORT` of the services' addresses (default: ones that are free)")
}

// args spells the flags out again.
func (o *daemonFlags) args() []string {
	var args []string
	if len(o.only) > 0 {
		args = append(args, "--only", strings.Join(o.only, ","))
	}
	if o.port != 0 {
		args = append(args, "--port", strconv.Itoa(o.port))
	}
	if o.portBase != 0 {
		args = append(args, "--port-base", strconv.Itoa(o.portBase))
	}
	if o.promPort != 0 {
		args = append(args, "--prometheus-port", strconv.Itoa(o.promPort))
	}
	if o.forward != "" {
		args = append(args, "--otlp-forward", o.forward)
	}
	if o.monolith {
		args = append(args, "--monolith")
	}
	return args
}

// freePortsEnv makes a shop leave the standard ports of OTLP and Prometheus to others.
const freePortsEnv = "SHOPCTL_FREE_PORTS"

// newDaemonCmd is what up runs in the background.
func newDaemonCmd(f *Factory) *cobra.Command {
	o := &daemonFlags{}
	cmd := &cobra.Command{
		Use:    "daemon",
		Short:  "Run the shop in the foreground, as up does in the background",
		Hidden: true,
		Args:   exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := daemon.Config{
				Name: f.IO.ShopName, Namespace: f.Namespace, PortBase: o.portBase, Only: o.only, Monolith: o.monolith, SpansForward: o.forward,
				Images: images(f), Executable: f.Executable, Version: buildVersion().Version,
				Getenv: f.Getenv, Environ: f.Environ, Log: f.IO.Err, Now: f.Now,
			}
			if o.port != 0 {
				cfg.Listen = fmt.Sprintf("127.0.0.1:%d", o.port)
			}
			if f.Getenv(freePortsEnv) == "" {
				cfg.SpansGRPC, cfg.SpansHTTP = otlp.StandardGRPC, otlp.StandardHTTP
			} else {
				cfg.Prometheus = "127.0.0.1:0"
			}
			if o.promPort != 0 {
				cfg.Prometheus = fmt.Sprintf("127.0.0.1:%d", o.promPort)
			}
			return daemon.Run(cmd.Context(), cfg, daemon.ReadyPipe(f.Getenv))
		},
	}
	o.add(cmd)
	return cmd
}

// images reads what shopctl.yaml says about container images, each time anew: the daemon asks again
// whenever objects change, so that a line added to the file needs no restart.
func images(f *Factory) func() workload.Images {
	return func() workload.Images {
		file, err := readConfig(f.Getenv)
		if err != nil {
			return workload.Images{Err: err}
		}
		dir, err := filepath.Abs(filepath.Dir(file.path))
		return workload.Images{Commands: file.images, Dir: dir, Err: err}
	}
}

// spawn starts the daemon, afresh if asked to.
func (o *upOptions) spawn(ctx context.Context, dir rundir.Dir) error {
	if o.fresh {
		if err := forget(dir); err != nil {
			return err
		}
	}
	args := []string{"daemon", "--name", dir.Name}
	if o.f.Namespace != "" {
		args = append(args, "--namespace", o.f.Namespace)
	}
	return daemon.Spawn(ctx, daemon.SpawnOptions{
		Dir: dir, Executable: o.f.Executable, Args: append(args, o.daemon.args()...), Environ: o.f.Environ,
	})
}

// forget removes the state of a shop that does not run.
func forget(dir rundir.Dir) error {
	if err := dir.Create(); err != nil {
		return hintErr(exitEnvironment, "shopctl doctor", fmt.Errorf("start afresh: %w", err))
	}
	lock, err := dir.Lock()
	if err != nil {
		return fmt.Errorf("start afresh: %w", err)
	}
	defer lock.Release()
	if err := os.RemoveAll(dir.State); err != nil {
		return hintErr(exitEnvironment, "shopctl doctor", fmt.Errorf("start afresh: %w", err))
	}
	return nil
}
