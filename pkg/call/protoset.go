package call

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	//lint:ignore SA1019 grpcurl speaks in these descriptors
	"github.com/jhump/protoreflect/desc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

// maxProtoset bounds an encoded FileDescriptorSet.
const maxProtoset = 32 << 20

// readProtosets reads encoded FileDescriptorSets and returns the files in them. Google's common types may be missing there.
func readProtosets(paths []string) ([]*desc.FileDescriptor, error) {
	all, seen := &descriptorpb.FileDescriptorSet{}, map[string]bool{}
	for _, path := range paths {
		file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		encoded, err := readRegular(file, err, maxProtoset)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &Invalid{Text: fmt.Sprintf("read %s: there is no such file", path), Hint: "protoc --include_imports --descriptor_set_out=" + path + " FILE.proto writes it"}
		}
		if err != nil {
			return nil, &Invalid{Text: fmt.Sprintf("read %s: %v", path, err)}
		}
		set := &descriptorpb.FileDescriptorSet{}
		if err := proto.Unmarshal(encoded, set); err != nil || len(set.GetFile()) == 0 {
			return nil, &Invalid{Text: fmt.Sprintf("read %s: it is not an encoded FileDescriptorSet", path), Hint: "--protoset takes what protoc --descriptor_set_out writes; --proto takes a .proto file"}
		}
		for _, f := range set.GetFile() {
			if !seen[f.GetName()] {
				seen[f.GetName()] = true
				all.File = append(all.File, f)
			}
		}
	}
	own := len(all.GetFile())
	for i := 0; i < len(all.GetFile()); i++ {
		for _, name := range all.GetFile()[i].GetDependency() {
			if common, err := (commonTypes{}).FindFileByPath(name); err == nil && !seen[name] {
				seen[name] = true
				all.File = append(all.File, protodesc.ToFileDescriptorProto(common))
			}
		}
	}
	registry, err := protodesc.NewFiles(all)
	if err != nil {
		return nil, &Invalid{Text: fmt.Sprintf("read %s: %s", paths[0], plainError(err)), Hint: "protoc --include_imports --descriptor_set_out writes a set with all that it needs"}
	}
	var files []*desc.FileDescriptor
	for _, f := range all.GetFile()[:own] {
		d, err := registry.FindFileByPath(f.GetName())
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.GetName(), err)
		}
		wrapped, err := desc.WrapFile(d)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.GetName(), err)
		}
		files = append(files, wrapped)
	}
	return files, nil
}
