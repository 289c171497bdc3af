package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
	"testing"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// binary is the path of the shopctl under test, built once.
var binary string

// TestMain lets the test binary be the echo server of the baseline, in a process of its own as a
// service is.
func TestMain(m *testing.M) {
	if os.Getenv("BENCH_ECHO") != "" {
		os.Exit(runEcho())
	}
	if kind := os.Getenv("BENCH_HOP"); kind != "" {
		os.Exit(runHop(kind))
	}
	if profile := os.Getenv("BENCH_SIDECAR"); profile != "" {
		os.Exit(runSidecar(profile))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "shopctl-bench")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "shopctl")
	if err := build(binary, "github.com/shopctl/shopctl/cmd/shopctl", []string{"CGO_ENABLED=0"}, "-tags", "grpcnotrace"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build builds a command as its users get it, without symbols.
func build(to, pkg string, env []string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", to}, flags...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s: %w", pkg, err)
	}
	return nil
}

type echo struct {
	pb.UnimplementedAdServiceServer
}

func (echo) GetAds(context.Context, *pb.AdRequest) (*pb.AdResponse, error) {
	return &pb.AdResponse{}, nil
}

// runEcho serves a bare unary method until its standard input ends.
func runEcho() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	fmt.Println(l.Addr())
	s := grpc.NewServer()
	pb.RegisterAdServiceServer(s, echo{})
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		s.Stop()
	}()
	if s.Serve(l) != nil {
		return 1
	}
	return 0
}

// runSidecar is a sidecar that writes its profiles beside a path when it ends.
func runSidecar(profile string) int {
	b, err := sidecar.ReadBootstrap(os.Getenv)
	if err != nil {
		return 1
	}
	cpu, err := os.Create(profile + ".cpu")
	if err != nil || pprof.StartCPUProfile(cpu) != nil {
		return 1
	}
	runtime.MemProfileRate = 64 << 10 // less would cost what the other profile shows
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err = sidecar.Start(ctx, b, sidecar.Streams{Log: os.Stdout})
	pprof.StopCPUProfile()
	memory, created := os.Create(profile + ".mem")
	if err != nil || created != nil || pprof.Lookup("allocs").WriteTo(memory, 0) != nil {
		return 1
	}
	return 0
}
