package code_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/rpc/code"
)

func TestEveryCodeHasTheNameThatGRPCReads(t *testing.T) {
	for i, name := range code.Names() {
		var read codes.Code
		if err := read.UnmarshalJSON([]byte(`"` + name + `"`)); err != nil || read != codes.Code(i) {
			t.Errorf("gRPC reads %s as %v, %v, want number %d", name, read, err, i)
		}
		if got, ok := code.Parse(name); !ok || int(got) != i || code.Name(got) != name {
			t.Errorf("Parse(%s) = %v, %v", name, got, ok)
		}
	}
	if n := len(code.Names()); n != int(codes.Unauthenticated)+1 {
		t.Errorf("%d names, want one for each code", n)
	}
}

func TestACodeThatGRPCDoesNotDefineIsANumber(t *testing.T) {
	if got := code.Name(400); got != "CODE(400)" {
		t.Errorf("Name(400) = %q", got)
	}
	if _, ok := code.Parse("NotFound"); ok {
		t.Error("Parse takes Go's spelling for gRPC's")
	}
}
