package internalcmd

import (
	"context"
	"errors"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar"
)

// RunSidecar is the command that the process driver runs as the sidecar of a pod: "sidecar run". Like a service, it is
// recognized before any command is built. It is not part of the command tree because users never run it.
func RunSidecar(sys cmdutil.System) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-sys.Signals
		cancel()
	}()
	go saveMemory(ctx)
	err := startSidecar(ctx, sys)
	if err == nil || errors.Is(err, sidecar.ErrLifeline) {
		return cmdutil.ExitOK
	}
	return cmdutil.Report(ctx, iostreams.New(nil, sys.Out, sys.Err), cmdutil.HintErr(cmdutil.ExitFailed, "", err))
}

func startSidecar(ctx context.Context, sys cmdutil.System) error {
	conn, err := lifeline.OpenHost(sys.Getenv(lifeline.HostEnv))
	if err != nil {
		return err
	}
	if conn != nil {
		return sidecar.Host(ctx, conn)
	}
	b, err := sidecar.ReadBootstrap(sys.Getenv)
	if err != nil {
		return err
	}
	streams := sidecar.Streams{Log: sys.Out}
	down, up, err := lifeline.Open(sys.Getenv(lifeline.Env))
	if err != nil {
		return err
	}
	if down != nil {
		defer up.Close()
		streams.Down, streams.Up = down, up
	}
	return sidecar.Start(ctx, b, streams)
}
