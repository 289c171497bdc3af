package execserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/shopctl/shopctl/pkg/daemon/api/execserver"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// shop runs a command of its own.
type shop func(ctx context.Context, instance, container string, command orchestrator.Command, started func(string)) (int, error)

func (s shop) Exec(ctx context.Context, instance, container string, command orchestrator.Command, started func(string)) (int, error) {
	return s(ctx, instance, container, command, started)
}

// backend serves nothing else.
type backend struct {
	controlpb.UnimplementedShopServer
	exec *execserver.Server
}

func (b backend) Exec(stream grpc.BidiStreamingServer[controlpb.ExecRequest, controlpb.ExecResponse]) error {
	return b.exec.Exec(stream)
}

func dial(t *testing.T, s *execserver.Server) controlpb.ShopClient {
	t.Helper()
	l := bufconn.Listen(1 << 16)
	server := grpc.NewServer(grpc.WaitForHandlers(true))
	controlpb.RegisterShopServer(server, backend{exec: s})
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		server.Stop()
		<-done
	})
	return controlpb.NewShopClient(conn)
}

func begin(ctx context.Context, t *testing.T, s *execserver.Server, start *controlpb.ExecStart) grpc.BidiStreamingClient[controlpb.ExecRequest, controlpb.ExecResponse] {
	t.Helper()
	stream, err := dial(t, s).Exec(ctx)
	if err == nil {
		err = stream.Send(&controlpb.ExecRequest{Step: &controlpb.ExecRequest_Start{Start: start}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func TestWhatACommandReadsAndWritesPassesThroughTheCall(t *testing.T) {
	s := &execserver.Server{Shop: shop(func(_ context.Context, instance, container string, command orchestrator.Command, started func(string)) (int, error) {
		started("server")
		size := <-command.Resize
		in, err := io.ReadAll(command.Stdin)
		fmt.Fprintln(command.Stderr, instance, container, command.Args, command.TTY, command.Size, size)
		fmt.Fprint(command.Stdout, strings.ToUpper(string(in)))
		return 9, err
	})}
	stream := begin(t.Context(), t, s, &controlpb.ExecStart{Instance: "cart-1", Container: "server", Command: []string{"a", "b"}, Stdin: true, Tty: true, Size: &controlpb.TerminalSize{Columns: 80, Rows: 24}})
	for _, req := range []*controlpb.ExecRequest{
		{Step: &controlpb.ExecRequest_Resize{Resize: &controlpb.TerminalSize{Columns: 1 << 20, Rows: 20}}},
		{Step: &controlpb.ExecRequest_Stdin{Stdin: []byte("in")}},
		{Step: &controlpb.ExecRequest_Stdin{Stdin: []byte("put")}},
	} {
		if err := stream.Send(req); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch step := resp.GetStep().(type) {
		case *controlpb.ExecResponse_Started:
			got.WriteString("started " + step.Started + "\n")
		case *controlpb.ExecResponse_Stdout:
			got.WriteString("out " + string(step.Stdout) + "\n")
		case *controlpb.ExecResponse_Stderr:
			got.WriteString("err " + string(step.Stderr))
		case *controlpb.ExecResponse_ExitCode:
			fmt.Fprintln(&got, "exit", step.ExitCode)
		}
	}
	if want := "started server\nerr cart-1 server [a b] true {80 24} {32768 20}\nout INPUT\nexit 9\n"; got.String() != want {
		t.Errorf("received\n%swant\n%s", got.String(), want)
	}
}

func TestACommandEndsWithTheCallAndWithTheShop(t *testing.T) {
	leaving, ended := make(chan struct{}), make(chan error, 2)
	s := &execserver.Server{Leaving: leaving, Shop: shop(func(ctx context.Context, _, _ string, _ orchestrator.Command, started func(string)) (int, error) {
		started("server")
		<-ctx.Done()
		ended <- ctx.Err()
		return 0, ctx.Err()
	})}
	start := &controlpb.ExecStart{Instance: "cart-1", Command: []string{"sleep"}}
	ctx, cancel := context.WithCancel(t.Context())
	first, second := begin(ctx, t, s, start), begin(t.Context(), t, s, start)
	for _, stream := range []interface {
		Recv() (*controlpb.ExecResponse, error)
	}{first, second} {
		if resp, err := stream.Recv(); err != nil || resp.GetStarted() != "server" {
			t.Fatalf("%v, %v", resp, err)
		}
	}
	cancel()
	<-ended
	close(leaving)
	<-ended
	if _, err := second.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("the call ends with %v", err)
	}
}

func TestACommandThatCannotRunIsExplained(t *testing.T) {
	for _, c := range []struct {
		fails error
		start *controlpb.ExecStart
		code  codes.Code
		text  string
	}{
		{nil, &controlpb.ExecStart{Instance: "cart-1"}, codes.InvalidArgument, "the command is missing"},
		{&orchestrator.NoInstanceError{Instance: "cart-1"}, nil, codes.NotFound, `pods "cart-1" not found`},
		{&orchestrator.NoContainerError{Instance: "cart-1", Container: "x"}, nil, codes.NotFound, "container x is not valid for pod cart-1"},
		{&orchestrator.NoContainerError{Instance: "cart-1", Container: "x", Exists: true}, nil, codes.FailedPrecondition, "container x of pod cart-1 is not running"},
		{errors.New("unable to start the process"), nil, codes.FailedPrecondition, "exec: unable to start the process"},
	} {
		if c.start == nil {
			c.start = &controlpb.ExecStart{Instance: "cart-1", Command: []string{"true"}}
		}
		s := &execserver.Server{Shop: shop(func(context.Context, string, string, orchestrator.Command, func(string)) (int, error) {
			return 0, c.fails
		})}
		_, err := begin(t.Context(), t, s, c.start).Recv()
		if status.Code(err) != c.code || !strings.Contains(status.Convert(err).Message(), c.text) {
			t.Errorf("%v: %v", c.fails, err)
		}
	}
}
