package exec_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// shop answers a command with its start and what it reads.
type shop struct {
	clitest.FakeShop
	started *controlpb.ExecStart
	code    int32
	// lost: the call ends without the command's end.
	lost bool
}

func (s *shop) Exec(stream grpc.BidiStreamingServer[controlpb.ExecRequest, controlpb.ExecResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	s.started = first.GetStart()
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&controlpb.ExecResponse{Step: &controlpb.ExecResponse_Stdout{Stdout: req.GetStdin()}}); err != nil {
			return err
		}
	}
	if s.lost {
		return nil
	}
	return stream.Send(&controlpb.ExecResponse{Step: &controlpb.ExecResponse_ExitCode{ExitCode: s.code}})
}

func serve(t *testing.T, s *shop) *clitest.World {
	t.Helper()
	s.Current = clitest.ThreeServices()
	for _, service := range s.Current.GetServices() {
		for _, in := range service.GetInstances() {
			in.Containers = []*controlpb.Container{{Name: "istio-proxy", Kind: "sidecar"}, {Name: "server", Kind: "app"}, {Name: "client", Kind: "app"}}
		}
	}
	return clitest.NewWorld(t).Serve(s)
}

func TestTheFirstContainerIsTheDefaultAndTheOthersAreNamed(t *testing.T) {
	s := &shop{}
	w := serve(t, s)
	w.Want(cmdutil.ExitOK, "exec", "cart", "--", "env", "-u", "A")
	w.WantErr(`Defaulted container "server" out of: server, client, istio-proxy (init)`)
	if s.started.GetContainer() != "server" || strings.Join(s.started.GetCommand(), " ") != "env -u A" || s.started.GetStdin() || s.started.GetTty() {
		t.Errorf("started %v", s.started)
	}
	w.Want(cmdutil.ExitOK, "exec", "cart", "-c", "client", "--", "env")
	if s.started.GetContainer() != "client" || w.Err.String() != "" {
		t.Errorf("started %v, and wrote %q", s.started, w.Err.String())
	}
	w.Want(cmdutil.ExitFailed, "exec", "cart", "-c", "other", "--", "env")
	w.WantErr("container other not found in pod cartservice-", "it has server, client, istio-proxy (init)")
}

func TestInputIsPassedOnAndTheExitCodeIsTheCommands(t *testing.T) {
	s := &shop{code: 42}
	w := serve(t, s)
	w.F.IO.In = strings.NewReader("\x00\xff input\n")
	w.Want(42, "exec", "-q", "-i", "cart", "--", "cat")
	w.WantErr("command terminated with exit code 42")
	if got := w.Out.String(); got != "\x00\xff input\n" {
		t.Errorf("written %q", got)
	}
	s.lost = true
	w.Want(cmdutil.ExitFailed, "exec", "-q", "cart", "--", "true")
	w.WantErr("lost connection to pod")
}

func TestACommandLineWithoutACommandIsExplained(t *testing.T) {
	w := serve(t, &shop{})
	for line, text := range map[string]string{
		"":              "the pod or service is missing",
		"-- env":        "the pod or service is missing",
		"cart":          "you must specify at least one command for the container",
		"cart --":       "you must specify at least one command for the container",
		"cart env":      "exec [POD] [COMMAND] is not supported: use exec [POD] -- [COMMAND]",
		"cart ad -- ls": "one pod or service can be named before --, not 2",
	} {
		w.Want(cmdutil.ExitUsage, append([]string{"exec"}, strings.Fields(line)...)...)
		w.WantErr(text, "shopctl: hint: shopctl exec ")
	}
}
