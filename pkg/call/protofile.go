package call

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	//lint:ignore SA1019 grpcurl speaks in these descriptors
	"github.com/jhump/protoreflect/desc"
	//lint:ignore SA1019 it makes them
	"github.com/jhump/protoreflect/desc/protoparse"
)

// fileContract reads a contract from a .proto file; what it imports is looked for beside it. It is not
// kept: the file is probably being edited.
func fileContract(path string) (*contract, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, &Invalid{Text: fmt.Sprintf("read %s: there is no such file", path), Hint: "--proto takes the path of a .proto file"}
	}
	parser := protoparse.Parser{ImportPaths: []string{filepath.Dir(path)}}
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
