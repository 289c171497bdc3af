package call

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	//lint:ignore SA1019 grpcurl speaks in these descriptors
	"github.com/jhump/protoreflect/desc"
	//lint:ignore SA1019 it makes them
	"github.com/jhump/protoreflect/desc/protoparse"
)

// Files describe a server in place of reflection, as those of another version of it do. The zero value: there are none.
type Files struct {
	// Protos are paths of .proto files; their imports are looked for in ImportPaths or, without these, beside them.
	Protos, ImportPaths []string
	// Protosets are paths of encoded FileDescriptorSets, as protoc --descriptor_set_out writes them.
	Protosets []string
}

// ProtoFile is one .proto file that describes a server; none if path is empty.
func ProtoFile(path string) Files {
	if path == "" {
		return Files{}
	}
	return Files{Protos: []string{path}}
}

func (f Files) none() bool { return len(f.Protos) == 0 && len(f.Protosets) == 0 }

func (f Files) equal(other Files) bool {
	return slices.Equal(f.Protos, other.Protos) && slices.Equal(f.ImportPaths, other.ImportPaths) && slices.Equal(f.Protosets, other.Protosets)
}

// contract reads the files. It is not kept: they are probably being edited.
func (f Files) contract() (*contract, error) {
	var files []*desc.FileDescriptor
	if len(f.Protos) > 0 {
		parsed, err := f.parse()
		if err != nil {
			return nil, err
		}
		files = append(files, parsed...)
	}
	if len(f.Protosets) > 0 {
		read, err := readProtosets(f.Protosets)
		if err != nil {
			return nil, err
		}
		files = append(files, read...)
	}
	c := &contract{source: source{files: map[string]*desc.FileDescriptor{}}}
	for _, file := range files {
		c.source.add(file)
		for _, s := range file.GetServices() {
			c.services = append(c.services, s.UnwrapService())
		}
	}
	if len(c.services) == 0 {
		path := slices.Concat(f.Protos, f.Protosets)[0]
		return nil, &Invalid{Text: "read " + path + ": it describes no service", Hint: "service " + strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + " { rpc ... }"}
	}
	return c, nil
}

// parse parses the .proto files.
func (f Files) parse() ([]*desc.FileDescriptor, error) {
	roots, paths, names := f.ImportPaths, map[string]string{}, []string(nil)
	for _, path := range f.Protos {
		name, path, err := importName(path, f.ImportPaths)
		if err != nil {
			return nil, err
		}
		if before, ok := paths[name]; ok && before != path {
			return nil, &Invalid{Text: fmt.Sprintf("read %s: %s has the same name", path, before), Hint: "--import-path DIR names the directory that both lie below"}
		}
		paths[name], names = path, append(names, name)
		if len(f.ImportPaths) == 0 {
			roots = append(roots, filepath.Dir(path))
		}
	}
	parser := protoparse.Parser{Accessor: protoFiles(paths, roots)}
	files, err := parser.ParseFiles(names...)
	if err != nil {
		text := err.Error()
		for name, path := range paths {
			if rest, ok := strings.CutPrefix(text, name+":"); ok {
				text = path + ":" + rest
			}
		}
		return nil, &Invalid{Text: "read " + text}
	}
	return files, nil
}

// importName is the name by which other files import a .proto file, and its path: relative to the import path that it lies
// below, or without import paths its own name.
func importName(path string, importPaths []string) (name, file string, err error) {
	for _, root := range importPaths {
		if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) && isFile(path) {
			return filepath.ToSlash(rel), path, nil
		}
		if below := filepath.Join(root, path); filepath.IsLocal(path) && isFile(below) {
			return filepath.ToSlash(filepath.Clean(path)), below, nil
		}
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", "", &Invalid{Text: fmt.Sprintf("read %s: there is no such file", path), Hint: "--proto takes the path of a .proto file"}
	}
	if len(importPaths) > 0 {
		return "", "", &Invalid{Text: fmt.Sprintf("read %s: it is not below %s", path, strings.Join(importPaths, " or ")), Hint: "--import-path " + filepath.Dir(path)}
	}
	return filepath.Base(path), path, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// maxProto bounds a .proto file and each file that it imports.
const maxProto = 1 << 20

// protoFiles opens the .proto files of paths by their names, and what they import from the directories roots. As in protoc,
// an import does not lead out of these.
func protoFiles(paths map[string]string, roots []string) func(name string) (io.ReadCloser, error) {
	return func(name string) (io.ReadCloser, error) {
		if path, ok := paths[name]; ok {
			return openProto(os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0))
		}
		var first error
		for _, dir := range roots {
			file, err := openBelow(dir, name)
			if err == nil {
				return file, nil
			}
			if first == nil || errors.Is(first, fs.ErrNotExist) {
				first = err
			}
		}
		return nil, first
	}
}

// openBelow opens a .proto file below a directory.
func openBelow(dir, name string) (io.ReadCloser, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return openProto(root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0))
}

// openProto reads an opened file, which must be a regular one of a moderate size.
func openProto(file *os.File, err error) (io.ReadCloser, error) {
	text, err := readRegular(file, err, maxProto)
	return io.NopCloser(bytes.NewReader(text)), err
}

// readRegular reads and closes an opened file, which must be a regular one of at most limit bytes.
func readRegular(file *os.File, err error, limit int64) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s is not a regular file of at most %d MiB", file.Name(), limit>>20)
	}
	return io.ReadAll(io.LimitReader(file, limit))
}
