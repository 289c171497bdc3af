// Package internalcmd contains the other programs in this binary: the daemon, one service, the guard of a process and
// the watchdog of a lesson. It is the only part of the command line that links their code.
package internalcmd

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/config"
	"github.com/shopctl/shopctl/pkg/daemon"
	"github.com/shopctl/shopctl/pkg/observe/otlp"
	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/services/setup"
)

// memoryLimit is where the daemon begins to collect garbage more often and to return memory at once: several times what a
// busy shop takes, so that it only matters after a large query.
const memoryLimit = 512 << 20

// randomPorts reports whether a shop uses random ports in place of the standard ports of OTLP and Prometheus.
func randomPorts(getenv func(string) string) bool {
	return cmp.Or(getenv("SHOPCTL_RANDOM_PORTS"), getenv("SHOPCTL_FREE_PORTS")) != "" // the latter was its name
}

// NewDaemonCmd returns the command that up runs in the background.
func NewDaemonCmd(f *cmdutil.Factory, version string) *cobra.Command {
	o := &cmdutil.DaemonFlags{}
	cmd := &cobra.Command{
		Use:    "daemon",
		Short:  "Run the shop in the foreground, as up does in the background",
		Hidden: true,
		Args:   cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := daemon.Config{
				Name: f.IO.ShopName, Namespace: f.Namespace(), PortBase: o.PortBase, Only: o.Only, Monolith: o.Monolith, SpansForward: o.Forward, Redis: o.Redis, Driver: o.Driver, Mesh: o.Mesh, Sidecars: o.Sidecars,
				Images: images(f), Check: func(builtin string) workload.Check { return setup.Check(builtin) }, Executable: f.Executable, Version: version,
				Getenv: f.Getenv, Environ: f.Environ, Log: f.IO.Err, Now: f.Now,
			}
			if o.Port != 0 {
				cfg.Listen = fmt.Sprintf("127.0.0.1:%d", o.Port)
			}
			if randomPorts(f.Getenv) {
				cfg.Prometheus = "127.0.0.1:0"
			} else {
				cfg.SpansGRPC, cfg.SpansHTTP = otlp.StandardGRPC, otlp.StandardHTTP
			}
			if o.PromPort != 0 {
				cfg.Prometheus = fmt.Sprintf("127.0.0.1:%d", o.PromPort)
			}
			if f.Getenv("GOMEMLIMIT") == "" {
				debug.SetMemoryLimit(memoryLimit)
			}
			go saveMemory(cmd.Context())
			return daemon.Run(cmd.Context(), cfg, daemon.ReadyPipe(f.Getenv))
		},
	}
	o.Add(cmd, daemon.Drivers())
	return cmd
}

// images reads the container images from shopctl.yaml, and from those of other directories that the user allowed: a service
// can be applied from where it is written, wherever the shop was started. The daemon calls it whenever objects change, so that a line
// added to the file needs no restart.
func images(f *cmdutil.Factory) func() workload.Images {
	return func() workload.Images {
		file, err := config.Read(f.Getenv)
		if err != nil {
			return workload.Images{Err: err}
		}
		trust, err := config.TrustOf(f)
		if err != nil {
			return workload.Images{Dir: filepath.Dir(file.Path), Err: err}
		}
		var others []workload.Images
		for _, other := range trust.Others(file) {
			others = append(others, workload.Images{Commands: other.Images, Dir: filepath.Dir(other.Path)})
		}
		if err := trust.Check(file); err != nil {
			return workload.Images{Dir: filepath.Dir(file.Path), Others: others, Err: err}
		}
		dir, err := filepath.Abs(filepath.Dir(file.Path))
		return workload.Images{Commands: file.Images, Dir: dir, Others: others, Err: err}
	}
}

// Drivers are the drivers that can run the services of a shop, the default first.
func Drivers() []string { return daemon.Drivers() }

// Spawn starts the daemon of the shop in dir in the background, with args for the command.
func Spawn(ctx context.Context, f *cmdutil.Factory, dir rundir.Dir, args []string) error {
	return daemon.Spawn(ctx, daemon.SpawnOptions{
		Dir: dir, Executable: f.Executable, Args: append([]string{"daemon"}, args...), Environ: f.Environ,
	})
}

// Reclaim removes the containers that the dead daemon of a shop left on an engine, and returns how many of them ran.
func Reclaim(ctx context.Context, f *cmdutil.Factory, dir rundir.Dir) (int, error) {
	return daemon.ReclaimEngine(ctx, f.Getenv, dir)
}

// Prepare makes ready what the driver of a shop needs before its daemon starts, and notes what takes time.
func Prepare(ctx context.Context, f *cmdutil.Factory, driver, version string) error {
	if driver != daemon.DockerDriver {
		return nil
	}
	place, err := daemon.OpenDocker(ctx, f.Getenv, f.Executable, version, func(line string) { f.IO.Notef("%s", line) })
	if err != nil {
		return err
	}
	return place.Engine.Close()
}
