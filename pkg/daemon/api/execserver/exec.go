// Package execserver serves commands that run in the containers of a shop.
package execserver

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Server serves Shop.Exec.
type Server struct {
	// Shop runs the commands.
	Shop orchestrator.Executor
	// Leaving is closed when the last instance is gone.
	Leaving <-chan struct{}
}

// call is one call of Exec.
type call struct {
	stream grpc.BidiStreamingServer[controlpb.ExecRequest, controlpb.ExecResponse]
	// sending is held by the one that sends: a command writes to two streams at once.
	sending sync.Mutex
}

// Exec runs a command.
func (s *Server) Exec(stream grpc.BidiStreamingServer[controlpb.ExecRequest, controlpb.ExecResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	start := first.GetStart()
	if len(start.GetCommand()) == 0 || start.GetCommand()[0] == "" {
		return control.Error(codes.InvalidArgument, "exec: the command is missing", "shopctl exec "+start.GetInstance()+" -- COMMAND", 2)
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	c := &call{stream: stream}
	sizes := make(chan orchestrator.Size, 1)
	in, feed := io.Pipe()
	defer in.Close()
	go receive(stream, feed, sizes)
	go func() {
		select {
		case <-s.Leaving:
			cancel()
		case <-ctx.Done():
		}
	}()
	command := orchestrator.Command{
		Args: start.GetCommand(), TTY: start.GetTty(), Size: sizeOf(start.GetSize()), Resize: sizes,
		Stdout: output(func(p []byte) *controlpb.ExecResponse {
			return &controlpb.ExecResponse{Step: &controlpb.ExecResponse_Stdout{Stdout: p}}
		}).to(c),
		Stderr: output(func(p []byte) *controlpb.ExecResponse {
			return &controlpb.ExecResponse{Step: &controlpb.ExecResponse_Stderr{Stderr: p}}
		}).to(c),
	}
	if start.GetStdin() {
		command.Stdin = in
	}
	code, err := s.Shop.Exec(ctx, start.GetInstance(), start.GetContainer(), command, func(container string) {
		_ = c.send(&controlpb.ExecResponse{Step: &controlpb.ExecResponse_Started{Started: container}}) // a caller that is gone ends ctx
	})
	if err != nil {
		return explain(err)
	}
	return c.send(&controlpb.ExecResponse{Step: &controlpb.ExecResponse_ExitCode{ExitCode: int32(code)}})
}

// receive hands on what the caller sends, until its end.
func receive(stream grpc.BidiStreamingServer[controlpb.ExecRequest, controlpb.ExecResponse], in *io.PipeWriter, sizes chan orchestrator.Size) {
	for {
		req, err := stream.Recv()
		if err != nil {
			_ = in.Close()
			return
		}
		switch step := req.GetStep().(type) {
		case *controlpb.ExecRequest_Stdin:
			if _, err := in.Write(step.Stdin); err != nil {
				continue // the command does not read any more
			}
		case *controlpb.ExecRequest_Resize:
			select { // only the newest counts
			case <-sizes:
			default:
			}
			sizes <- sizeOf(step.Resize)
		}
	}
}

func sizeOf(size *controlpb.TerminalSize) orchestrator.Size {
	return orchestrator.Size{Columns: uint16(min(size.GetColumns(), 1<<15)), Rows: uint16(min(size.GetRows(), 1<<15))}
}

func (c *call) send(response *controlpb.ExecResponse) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.stream.Send(response)
}

// output makes the response of what a command has written.
type output func([]byte) *controlpb.ExecResponse

// to is the writer that sends it.
func (o output) to(c *call) io.Writer { return writer{c, o} }

type writer struct {
	call *call
	wrap output
}

func (w writer) Write(p []byte) (int, error) {
	if err := w.call.send(w.wrap(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// explain gives an error of a command that did not run its code.
func explain(err error) error {
	var noInstance *orchestrator.NoInstanceError
	var noContainer *orchestrator.NoContainerError
	switch {
	case errors.As(err, &noInstance):
		return control.Error(codes.NotFound, err.Error(), "shopctl ps --instances", 1)
	case errors.As(err, &noContainer) && !noContainer.Exists:
		return control.Error(codes.NotFound, err.Error(), "shopctl ps --instances", 1)
	case errors.Is(err, context.Canceled):
		return control.Error(codes.Canceled, "the command was ended", "", 1)
	}
	return control.Error(codes.FailedPrecondition, "exec: "+err.Error(), "shopctl ps --instances", 1)
}
