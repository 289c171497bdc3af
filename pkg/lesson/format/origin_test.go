package format_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson/format"
)

func TestALessonByAnotherAuthorHasAKeyOfItsOwn(t *testing.T) {
	ours := &format.Lesson{Front: format.Front{ID: "grpc"}}
	theirs := &format.Lesson{Front: format.Front{ID: "grpc"}, Origin: "1f2e"}
	if ours.Key() != "grpc" || theirs.Key() == ours.Key() {
		t.Errorf("keys %q and %q", ours.Key(), theirs.Key())
	}
	if format.HasOrigin(ours.Key()) || !format.HasOrigin(theirs.Key()) {
		t.Errorf("which of %q and %q is built in is not told from the keys", ours.Key(), theirs.Key())
	}
}
