package clitest

import (
	"encoding/json"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// Hostile is text that would take over a terminal, and a message in the name of shopctl.
const Hostile = "a\x1b]0;owned\a\x1b]52;c;eA==\x1b\\\x1b[2J\x1b[31m\r\b\x00\x7f\u009b2J\u202e\u2066\u200f\u2028\nshopctl: error: forged\tz"

// ServeHostile puts a daemon behind the default shop's socket in whose responses every text is Hostile. With fail, every
// response is an error with that text.
func (w *World) ServeHostile(fail bool) *World {
	w.t.Helper()
	dir, err := rundir.Resolve(iostreams.DefaultShop, w.F.Getenv)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := dir.Create(); err != nil {
		w.t.Fatal(err)
	}
	l, err := control.Listen(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if fail {
			return status.Error(codes.FailedPrecondition, Hostile)
		}
		return respondHostile(stream)
	}))
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	w.t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			w.t.Errorf("serve: %v", err)
		}
	})
	return w
}

func respondHostile(stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	name := strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", ".")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return status.Error(codes.Unimplemented, err.Error())
	}
	method := found.(protoreflect.MethodDescriptor)
	if err := stream.RecvMsg(dynamicpb.NewMessage(method.Input())); err != nil {
		return err
	}
	response := dynamicpb.NewMessage(method.Output())
	fill(response, 8)
	return stream.SendMsg(response)
}

// fill sets every field of m, and of the messages in it down to a depth.
func fill(m protoreflect.Message, depth int) {
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp":
		m.Set(m.Descriptor().Fields().ByName("seconds"), protoreflect.ValueOfInt64(TestNow().Unix()))
		return
	case "google.protobuf.Duration":
		m.Set(m.Descriptor().Fields().ByName("seconds"), protoreflect.ValueOfInt64(int64((2 * time.Second).Seconds())))
		return
	}
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		switch {
		case depth == 0 && f.Message() != nil:
		case f.IsMap():
			entries := m.Mutable(f).Map()
			value := entries.NewValue()
			if f.MapValue().Message() != nil {
				fill(value.Message(), depth-1)
			} else {
				value = scalar(f.MapValue())
			}
			entries.Set(scalar(f.MapKey()).MapKey(), value)
		case f.IsList() && f.Message() != nil:
			fill(m.Mutable(f).List().AppendMutable().Message(), depth-1)
		case f.IsList():
			m.Mutable(f).List().Append(scalar(f))
		case f.Message() != nil:
			fill(m.Mutable(f).Message(), depth-1)
		default:
			m.Set(f, scalar(f))
		}
	}
}

func scalar(f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		switch f.Name() {
		case "kind":
			return protoreflect.ValueOfString("Deployment")
		case "api_version":
			return protoreflect.ValueOfString("apps/v1")
		}
		return protoreflect.ValueOfString(Hostile)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(hostileObject())
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(f.Enum().Values().Get(f.Enum().Values().Len() - 1).Number())
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(0.5)
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(0.5)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(3)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(3)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(3)
	}
	return protoreflect.ValueOfInt64(3)
}

// hostileObject is a Deployment with Hostile wherever it has text of its own.
func hostileObject() []byte {
	o := Deployment(Hostile, 1, 1)
	var tree map[string]any
	if err := json.Unmarshal(o.GetJson(), &tree); err != nil {
		return nil
	}
	tree["metadata"].(map[string]any)["annotations"] = map[string]any{Hostile: Hostile}
	text, err := json.Marshal(tree)
	if err != nil {
		return nil
	}
	return text
}
