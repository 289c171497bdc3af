package call

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	//lint:ignore SA1019 grpcurl speaks in these descriptors
	"github.com/jhump/protoreflect/desc"
	//lint:ignore SA1019 it makes them
	"github.com/jhump/protoreflect/desc/protoparse"
)

// maxProto bounds a .proto file and each file that it imports.
const maxProto = 1 << 20

// protoFiles opens a .proto file, and what it imports from the directory around it. As in protoc, an import does not lead
// out of that directory.
func protoFiles(path string) func(name string) (io.ReadCloser, error) {
	return func(name string) (io.ReadCloser, error) {
		if name == filepath.Base(path) {
			return openProto(os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0))
		}
		root, err := os.OpenRoot(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return openProto(root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0))
	}
}

// openProto reads an opened file, which must be a regular one of a moderate size.
func openProto(file *os.File, err error) (io.ReadCloser, error) {
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxProto {
		return nil, fmt.Errorf("%s is not a regular file of at most %d MiB", file.Name(), maxProto>>20)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxProto))
	return io.NopCloser(bytes.NewReader(text)), err
}

// fileContract reads a contract from a .proto file; what it imports is looked for beside it. It is not
// kept: the file is probably being edited.
func fileContract(path string) (*contract, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, &Invalid{Text: fmt.Sprintf("read %s: there is no such file", path), Hint: "--proto takes the path of a .proto file"}
	}
	parser := protoparse.Parser{Accessor: protoFiles(path)}
	files, err := parser.ParseFiles(filepath.Base(path))
	if err != nil {
		return nil, &Invalid{Text: "read " + filepath.Dir(path) + string(filepath.Separator) + err.Error()}
	}
	c := &contract{source: source{files: map[string]*desc.FileDescriptor{}}}
	for _, f := range files {
		c.source.add(f)
		for _, s := range f.GetServices() {
			c.services = append(c.services, s.UnwrapService())
		}
	}
	if len(c.services) == 0 {
		return nil, &Invalid{Text: "read " + path + ": it describes no service", Hint: "service " + strings.TrimSuffix(filepath.Base(path), ".proto") + " { rpc ... }"}
	}
	return c, nil
}
