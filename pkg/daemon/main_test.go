package daemon

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/workload/process"
	"github.com/shopctl/shopctl/services"
	"github.com/shopctl/shopctl/services/setup"
)

// TestMain lets the test binary stand in for shopctl: it runs built-in services, guards, daemons,
// and a small program as a learner could have written it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "service":
			os.Exit(runService(os.Args[3]))
		case "sidecar":
			os.Exit(runSidecar())
		case "guard":
			os.Exit(runGuard(os.Args[2:]))
		case "daemon":
			os.Exit(runDaemon())
		case "hello":
			os.Exit(runHello())
		}
	}
	goleak.VerifyTestMain(m)
}

func runService(name string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	b, ok := services.Lookup(name)
	if !ok {
		return 2
	}
	down, up, err := lifeline.Open(os.Getenv(lifeline.Env))
	if err != nil {
		return 2
	}
	err = chassis.Run(ctx, chassis.Options{
		Name: b.Name, Workload: b.Workload, Getenv: os.Getenv, Stdout: os.Stdout, Down: down, Up: up,
	}, setup.Of(b.Name))
	if err != nil {
		return 1
	}
	return 0
}

func runGuard(args []string) int {
	if args[0] == "--group" {
		pgid, _ := strconv.Atoi(args[1])
		if process.GuardPaused(context.Background(), os.Stdin, pgid, os.Getenv(process.MarkerEnv)) != nil {
			return 1
		}
		return 0
	}
	code, err := process.Guard(os.Stdin, args[1:], os.Environ(), os.Getenv(process.MarkerEnv), os.Stdout)
	if err != nil {
		fmt.Println(err)
	}
	return code
}

func runDaemon() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := Run(ctx, Config{
		Name: os.Args[2], Listen: "127.0.0.1:0", Prometheus: "127.0.0.1:0", Getenv: os.Getenv, Environ: os.Environ(), Log: os.Stderr,
		Only: os.Args[3:],
	}, ReadyPipe(os.Getenv))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// runHello answers every connection with its greeting, on the port that its argument names.
func runHello() int {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[2])
	if err != nil {
		return 1
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return 1
		}
		fmt.Fprint(conn, os.Getenv("GREETING"))
		conn.Close()
	}
}
