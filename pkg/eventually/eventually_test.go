package eventually_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// failures records what a test reported.
type failures []string

func (f *failures) Fatalf(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

func TestAConditionThatComesTrueIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f failures
		start := time.Now()
		eventually.True(&f, "time passes", func() bool { return time.Since(start) >= time.Second })
		if len(f) > 0 {
			t.Errorf("failed with %q", f)
		}
	})
}

func TestAConditionThatStaysFalseFailsTheTestAndIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f failures
		eventually.True(&f, "pigs fly", func() bool { return false })
		if len(f) != 1 || f[0] != "waited too long until pigs fly" {
			t.Errorf("failed with %q", f)
		}
	})
}

func TestAConditionIsTriedOnceMoreAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if !eventually.Within(time.Second, func() bool { return time.Since(start) >= time.Second }) {
			t.Error("the condition held at the end of the time, and was not seen")
		}
	})
}
