// Command shopctl runs a live shop of eleven gRPC services on one machine, and teaches with it.
package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/cli"
)

func main() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(cli.Main(cli.System{
		Args:    os.Args[1:],
		In:      os.Stdin,
		Out:     os.Stdout,
		Err:     os.Stderr,
		Getenv:  os.Getenv,
		Environ: os.Environ(),
		Now:     time.Now,
		Signals: signals,
	}))
}
