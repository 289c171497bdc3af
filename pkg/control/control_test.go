package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

func TestMain(m *testing.M) {
	if os.Getenv(holdDir) != "" {
		hold()
	}
	goleak.VerifyTestMain(m)
}

type backend struct {
	controlpb.UnimplementedShopServer
	controlpb.UnimplementedTracesServer
	controlpb.UnimplementedMetricsServer
	controlpb.UnimplementedTopologyServer
	controlpb.UnimplementedMeshServer
	controlpb.UnimplementedDeliveryServer
	status func() (*controlpb.StatusResponse, error)
}

func (b backend) Status(context.Context, *controlpb.StatusRequest) (*controlpb.StatusResponse, error) {
	return b.status()
}

func serve(t *testing.T, status func() (*controlpb.StatusResponse, error)) rundir.Dir {
	t.Helper()
	return serveBackend(t, backend{status: status})
}

func serveBackend(t *testing.T, b Backend) rundir.Dir {
	t.Helper()
	d := dir(t)
	l, err := Listen(d)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- NewServer(b, slog.New(slog.DiscardHandler)).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return d
}

func dir(t *testing.T) rundir.Dir {
	t.Helper()
	tmp := t.TempDir()
	d, err := rundir.Resolve("default", func(k string) string {
		return map[string]string{"SHOPCTL_RUN_DIR": filepath.Join(tmp, "r"), "SHOPCTL_STATE_DIR": filepath.Join(tmp, "s"), "TMPDIR": tmp}[k]
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Create(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAClientReachesTheDaemonOverItsSocket(t *testing.T) {
	d := serve(t, func() (*controlpb.StatusResponse, error) { return &controlpb.StatusResponse{Name: "default"}, nil })
	c, err := Dial(d)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp, err := c.Status(t.Context(), &controlpb.StatusRequest{})
	if err != nil || resp.GetName() != "default" {
		t.Errorf("status: %v %v", resp, err)
	}
	if info, err := os.Stat(d.Socket()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket mode %v %v", info.Mode(), err)
	}
}

func TestDialSaysThatNoDaemonRuns(t *testing.T) {
	d := dir(t)
	if _, err := Dial(d); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a socket: %v", err)
	}
	if err := os.WriteFile(d.Socket(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(d)
	if err != nil {
		t.Fatalf("listen over a dead socket: %v", err)
	}
	defer l.Close()
}

func TestASocketOfAnotherUserIsRefused(t *testing.T) {
	d := serve(t, func() (*controlpb.StatusResponse, error) { return &controlpb.StatusResponse{}, nil })
	c, err := dialUser(d, os.Getuid()+1, "")
	if err == nil {
		c.Close()
		t.Fatal("connected")
	}
	hint, exit, _ := HintOf(err)
	if !strings.Contains(err.Error(), d.Socket()) || !strings.Contains(err.Error(), fmt.Sprintf("user %d", os.Getuid())) || hint != rundir.RunHint || exit != 5 {
		t.Errorf("got %v, hint %q, exit %d", err, hint, exit)
	}
	again := &reuse{path: d.Socket(), user: os.Getuid() + 1}
	if conn, err := again.dial(t.Context(), ""); err == nil {
		conn.Close()
		t.Error("connected again")
	}
}

func TestAConnectionOfAnotherUserIsClosed(t *testing.T) {
	d := dir(t)
	l, err := Listen(d)
	if err != nil {
		t.Fatal(err)
	}
	others := usersOnly{l.(usersOnly).Listener, []int{os.Getuid() + 1}}
	ended := make(chan error, 1)
	go func() {
		_, err := others.Accept()
		ended <- err
	}()
	conn, err := net.Dial("unix", d.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
}

func TestAHintCrossesTheSocket(t *testing.T) {
	d := serve(t, func() (*controlpb.StatusResponse, error) {
		return nil, Error(codes.NotFound, "no service \"x\"", "shopctl ps", 2)
	})
	c, err := Dial(d)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Status(t.Context(), &controlpb.StatusRequest{})
	text, exit, ok := HintOf(fmt.Errorf("ask: %w", err))
	if status.Code(err) != codes.NotFound || text != "shopctl ps" || exit != 2 || !ok {
		t.Errorf("got %v, hint %q %d %v", err, text, exit, ok)
	}
}

func TestAHintOnAPlainErrorMakesItAFailedPrecondition(t *testing.T) {
	err := WithHint(errors.New("disk is full"), "free some space", 5)
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("code %v", status.Code(err))
	}
	if WithHint(nil, "x", 1) != nil {
		t.Error("nil does not stay nil")
	}
	if _, _, ok := HintOf(errors.New("plain")); ok {
		t.Error("a plain error has a hint")
	}
}

func TestAPanicEndsTheCallAlone(t *testing.T) {
	d := serve(t, func() (*controlpb.StatusResponse, error) { panic("boom") })
	c, err := Dial(d)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		if _, err := c.Status(t.Context(), &controlpb.StatusRequest{}); status.Code(err) != codes.Internal {
			t.Errorf("got %v", err)
		}
	}
}
