package daemon

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// runSidecar is what "shopctl sidecar run" does.
func runSidecar() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if conn, err := lifeline.OpenHost(os.Getenv(lifeline.HostEnv)); conn != nil || err != nil {
		if err != nil || sidecar.Host(ctx, conn) != nil {
			return 1
		}
		return 0
	}
	b, err := sidecar.ReadBootstrap(os.Getenv)
	if err != nil {
		return 2
	}
	down, up, err := lifeline.Open(os.Getenv(lifeline.Env))
	if err != nil {
		return 2
	}
	if sidecar.Start(ctx, b, sidecar.Streams{Log: os.Stdout, Down: down, Up: up}) != nil {
		return 1
	}
	return 0
}

// inMesh waits until all instances of the cart and its store have ready sidecars, or none has one.
func inMesh(t *testing.T, c *control.Client, in bool) (pids string) {
	t.Helper()
	st := await(t, c, fmt.Sprintf("sidecars: %v", in), func(st *controlpb.StatusResponse) bool {
		for _, name := range []string{"cart", "redis-cart"} {
			s := find(st, name)
			if s.GetState() != "ok" || len(s.GetInstances()) != 1 {
				return false
			}
			containers := s.GetInstances()[0].GetContainers()
			if len(containers) == 1 == in || in && !containers[0].GetReady() {
				return false
			}
		}
		return true
	})
	for _, name := range []string{"cart", "redis-cart"} {
		pids += fmt.Sprint(find(st, name).GetInstances()[0].GetPid(), " ")
	}
	return pids
}

func meshEdit(on bool) *controlpb.EditRequest {
	return &controlpb.EditRequest{Operation: &controlpb.EditRequest_Mesh{Mesh: on}}
}

func TestJoiningAndLeavingTheMeshUnderLoadRestartsNothingAndLosesNoCall(t *testing.T) {
	c := open(t, home(t), only("cart"))
	before := inMesh(t, c, false)
	st := await(t, c, "cart is ready", func(st *controlpb.StatusResponse) bool { return find(st, "cart").GetState() == "ok" })
	ctx, stop := context.WithCancel(t.Context())
	var calls, failures atomic.Int64
	done := make(chan error, 1)
	go func() {
		var first error
		for ctx.Err() == nil {
			// A connection for each call: the address leads to wherever the service is called at the moment.
			conn, err := grpc.NewClient(find(st, "cart").GetAddress(), grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				done <- err
				return
			}
			_, err = hipstershop.NewCartServiceClient(conn).GetCart(context.WithoutCancel(ctx), &hipstershop.GetCartRequest{UserId: "someone"})
			conn.Close()
			if calls.Add(1); err != nil {
				failures.Add(1)
				first = err
			}
		}
		done <- first
	}()
	for _, on := range []bool{true, false, true} {
		edit(t, c, meshEdit(on))
		if after := inMesh(t, c, on); after != before {
			t.Errorf("mesh %v: the processes are %s, and were %s", on, after, before)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("%d of %d calls failed: %v", failures.Load(), calls.Load(), err)
	}
}

func TestAKilledSidecarComesBackWithoutItsProgram(t *testing.T) {
	c := open(t, home(t), func(c *Config) { c.Only, c.Mesh = []string{"cart"}, MeshOn })
	before := inMesh(t, c, true)
	st := await(t, c, "cart is ready", func(st *controlpb.StatusResponse) bool { return find(st, "cart").GetState() == "ok" })
	var pid int
	if _, err := fmt.Sscanf(find(st, "cart").GetInstances()[0].GetContainers()[0].GetId(), "process://%d", &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, c, "the sidecar was restarted", func(st *controlpb.StatusResponse) bool {
		return find(st, "cart").GetState() == "ok" && find(st, "cart").GetInstances()[0].GetContainers()[0].GetRestarts() == 1
	})
	if after := inMesh(t, c, true); after != before {
		t.Errorf("the processes are %s, and were %s", after, before)
	}
}
