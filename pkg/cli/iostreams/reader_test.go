package iostreams_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

func TestAContextEndsWithTheReaderOfAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx := iostreams.New(nil, w, nil).WhileRead(t.Context())
	if ctx.Err() != nil {
		t.Fatal("it ends while the pipe has a reader")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), iostreams.ErrReaderGone) {
		t.Errorf("cause %v", context.Cause(ctx))
	}
}
