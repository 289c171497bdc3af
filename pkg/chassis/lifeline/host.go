package lifeline

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// HostEnv is the environment variable with the descriptor of a Unix socket, over which a process receives the instances
// that it is to run.
const HostEnv = "SHOPCTL_LIFELINE_HOST"

// Task is an order of the daemon to a process that runs several instances.
type Task struct {
	// ID names an instance for as long as it runs.
	ID string `json:"id"`
	// Environ is the environment of an instance that starts, "KEY=value". Its pipes go with it: those that it reads Down
	// messages from, writes Up messages to, and writes its output to.
	Environ []string `json:"environ,omitempty"`
	// Stop: the instance is to end in order.
	Stop bool `json:"stop,omitempty"`
}

// longestTask bounds a task, in bytes.
const longestTask = 1 << 20

// SendTask sends a task with open files, of which the receiver gets copies.
func SendTask(conn *net.UnixConn, t Task, files ...*os.File) error {
	text, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode task: %w", err)
	}
	var rights []byte
	if len(files) > 0 {
		var fds []int
		for _, f := range files {
			raw, err := f.SyscallConn()
			if err != nil {
				return fmt.Errorf("send file: %w", err)
			}
			if err := raw.Control(func(fd uintptr) { fds = append(fds, int(fd)) }); err != nil {
				return fmt.Errorf("send file: %w", err)
			}
		}
		rights = syscall.UnixRights(fds...)
	}
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)
	n, _, err := conn.WriteMsgUnix(frame, rights, nil)
	if err == nil && n < len(frame) {
		_, err = conn.Write(frame[n:])
	}
	if err != nil {
		return fmt.Errorf("send task: %w", err)
	}
	return nil
}

// ReceiveTask receives a task with its files, which the caller closes; io.EOF after the last.
func ReceiveTask(conn *net.UnixConn) (t Task, files []*os.File, err error) {
	defer func() {
		if err != nil {
			for _, f := range files {
				_ = f.Close()
			}
			files = nil
		}
	}()
	var head [4]byte
	rights := make([]byte, syscall.CmsgSpace(8*4))
	n, oobn, _, _, err := conn.ReadMsgUnix(head[:], rights)
	if err != nil {
		return t, nil, err
	}
	if n == 0 {
		return t, nil, io.EOF
	}
	if files, err = receivedFiles(rights[:oobn]); err != nil {
		return t, files, err
	}
	if _, err := io.ReadFull(conn, head[n:]); err != nil {
		return t, files, fmt.Errorf("receive task: %w", err)
	}
	length := binary.BigEndian.Uint32(head[:])
	if length > longestTask {
		return t, files, fmt.Errorf("receive task: %d bytes are more than %d", length, longestTask)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(conn, text); err != nil {
		return t, files, fmt.Errorf("receive task: %w", err)
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return t, files, fmt.Errorf("receive task: %w", err)
	}
	return t, files, nil
}

// receivedFiles are those of a control message.
func receivedFiles(rights []byte) (files []*os.File, err error) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, fmt.Errorf("receive files: %w", err)
	}
	var errs []error
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		errs = append(errs, err)
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
			errs = append(errs, syscall.SetNonblock(fd, true)) // or closing the file would not end a read
			files = append(files, os.NewFile(uintptr(fd), "lifeline"))
		}
	}
	return files, errors.Join(errs...)
}

// OpenHost opens the socket in the value of HostEnv; nil for an empty value.
func OpenHost(value string) (*net.UnixConn, error) {
	if value == "" {
		return nil, nil
	}
	var fd int
	if _, err := fmt.Sscanf(value, "%d", &fd); err != nil {
		return nil, fmt.Errorf("read %s=%q: want a file descriptor such as 4", HostEnv, value)
	}
	return ConnOf(os.NewFile(uintptr(fd), "lifeline-host"))
}

// ConnOf makes a connection of an open Unix socket, which it closes.
func ConnOf(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.Name(), err)
	}
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("open %s: it is a %T, not a Unix socket", f.Name(), conn), conn.Close())
	}
	return unix, nil
}
