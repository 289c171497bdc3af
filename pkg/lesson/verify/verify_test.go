package verify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// booter boots shops in memory.
type booter struct {
	err    error
	closed int
	change func(*lessontest.Shop)
}

func (b *booter) Boot(context.Context, *lesson.Lesson) (Shop, error) {
	if b.err != nil {
		return nil, b.err
	}
	s := lessontest.New(time.Now)
	if b.change != nil {
		b.change(s)
	}
	return booted{s, b}, nil
}

type booted struct {
	*lessontest.Shop
	b *booter
}

func (s booted) Close(context.Context) error {
	s.b.closed++
	return nil
}

// prove proves the sample lesson with some files changed and returns what failed.
func prove(t *testing.T, b *booter, changed map[string]string) (failed map[string]string, proofs []string) {
	t.Helper()
	return proveSome(t, b, Options{}, changed)
}

func proveSome(t *testing.T, b *booter, o Options, changed map[string]string) (failed map[string]string, proofs []string) {
	t.Helper()
	failed = map[string]string{}
	l := lessontest.Lesson(t, changed)
	synctest.Test(t, func(t *testing.T) {
		err := Verify(t.Context(), l, b, o, time.Now, func(r Result) {
			proofs = append(proofs, r.Proof)
			if !r.OK {
				failed[r.Proof] = r.Detail
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	return failed, proofs
}

func TestASoundLessonIsProven(t *testing.T) {
	b := &booter{}
	failed, proofs := prove(t, b, map[string]string{"testdata/wrong-broken.txtar": lessontest.BrokenSetup + "shopctl fault clear\nshopctl start catalog\n"})
	if len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	if got := strings.Join(proofs, " "); got != "boot red solution wrong-broken wrong-one hints cheats slow cheats slow" {
		t.Errorf("proofs: %s", got)
	}
	if b.closed != 1 {
		t.Errorf("the shop was closed %d times", b.closed)
	}
}

func TestALessonUnderLoadIsProvenWithThreeSeeds(t *testing.T) {
	text := strings.Replace(lessontest.Text, "rollback:", "shop: {seed: 42, load: 20}\nrollback:", 1)
	var shop *lessontest.Shop
	failed, proofs := prove(t, &booter{change: func(s *lessontest.Shop) { shop = s }}, map[string]string{
		"lesson.md": text, "testdata/wrong-broken.txtar": lessontest.BrokenSetup + "shopctl fault clear\nshopctl start catalog\n",
	})
	if len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	if got := strings.Join(proofs, " "); got != "boot red solution red solution red solution wrong-broken wrong-one hints cheats slow cheats slow" {
		t.Errorf("proofs: %s", got)
	}
	var loads []string
	for _, c := range shop.Commands() {
		if seed, ok := strings.CutPrefix(c, "load start --rate 20 --seed "); ok {
			loads = append(loads, seed)
		}
	}
	if got := strings.Join(loads, " "); !strings.HasPrefix(got, "42 42 43 43 44 44 42 42 42") {
		t.Errorf("seeds: %s", got)
	}
}

func TestAnAuthorProvesOneScriptWithOneSeed(t *testing.T) {
	text := strings.Replace(lessontest.Text, "rollback:", "shop: {seed: 42, load: 20}\nrollback:", 1)
	for want, o := range map[string]Options{
		"boot solution":  {Script: "solution", Seed: 7},
		"boot wrong-one": {Script: "wrong-one"},
	} {
		failed, proofs := proveSome(t, &booter{}, o, map[string]string{"lesson.md": text})
		if got := strings.Join(proofs, " "); got != want || len(failed) > 0 {
			t.Errorf("%+v: %s, failed %v", o, got, failed)
		}
	}
}

func TestAFailureIsNotRepeatedWithOtherSeedsNorAsMissingHints(t *testing.T) {
	text := strings.Replace(lessontest.Text, "rollback:", "shop: {seed: 42, load: 20}\nrollback:", 1)
	broken := strings.Replace(lessontest.Solution, "--delay 2s", "--delay 2ms", 1)
	failed, proofs := prove(t, &booter{}, map[string]string{"lesson.md": text, "testdata/solution.txtar": broken})
	if got := strings.Join(proofs, " "); got != "boot red solution wrong-one hints" {
		t.Errorf("proofs: %s", got)
	}
	if !strings.HasPrefix(failed["hints"], "skipped") {
		t.Errorf("hints: %s", failed["hints"])
	}
}

func TestUnprovenPartsAreReported(t *testing.T) {
	for name, c := range map[string]struct {
		file, old, new string
		proof, want    string
	}{
		"a check that is green from the start": {"lesson.md", "expect: {code: DEADLINE_EXCEEDED}", "expect: {code: OK}", "red", "slow/timed-out passes before anything was done"},
		"a symptom that does not happen":       {"testdata/solution.txtar", "--delay 2s", "--delay 2ms", "solution", "expect timed-out pass: it is fail"},
		"a solution that does not end":         {"testdata/solution.txtar", "expect fast pass\nnext", "expect fast pass", "solution", "the lesson is not done"},
		"a mistake that passes":                {"testdata/wrong-one.txtar", "answer code 69", "answer code 5", "wrong-one", "expect code fail That is the exit code: it is pass"},
		"a mistake without its message":        {"testdata/wrong-one.txtar", " 'That is the exit code'", "", "wrong-one", "the script expects no message"},
		"a mistake that finishes":              {"testdata/wrong-one.txtar", "step missing", lessontest.Solution + "step missing", "wrong-one", "made already"},
		"an unknown action":                    {"testdata/wrong-one.txtar", "step missing", "jump missing", "wrong-one", `unknown action "jump"`},
		"a message that no script makes":       {"testdata/solution.txtar", "expect fast fail 'still there'\n", "", "hints", "report"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"lesson.md": lessontest.Text, "testdata/solution.txtar": lessontest.Solution, "testdata/wrong-one.txtar": lessontest.Wrong}
			changed := strings.Replace(files[c.file], c.old, c.new, 1)
			if changed == files[c.file] {
				t.Fatalf("%q is not in %s", c.old, c.file)
			}
			failed, _ := prove(t, &booter{}, map[string]string{c.file: changed})
			if !strings.Contains(failed[c.proof], c.want) {
				t.Errorf("%s: got %q, want %q", c.proof, failed[c.proof], c.want)
			}
		})
	}
}

func TestAnUnhealthyShopProvesNothing(t *testing.T) {
	failed, _ := prove(t, &booter{change: func(s *lessontest.Shop) { s.SetState("stopped") }}, nil)
	for _, proof := range []string{"red", "solution", "wrong-one"} {
		if !strings.Contains(failed[proof], "the steady state does not hold: the catalog is up") {
			t.Errorf("%s: %q", proof, failed[proof])
		}
	}
}

func TestAShopThatDoesNotBootIsAFailedProof(t *testing.T) {
	failed, proofs := prove(t, &booter{err: errors.New("no port")}, nil)
	if len(proofs) != 1 || failed["boot"] != "no port" {
		t.Errorf("%v %v", proofs, failed)
	}
}
