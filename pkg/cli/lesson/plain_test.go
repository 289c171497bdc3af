package lesson_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	lessoncmd "github.com/shopctl/shopctl/pkg/cli/lesson"
)

func TestAPlainLessonReadsAndWritesLines(t *testing.T) {
	w := clitest.NewWorld(t)
	s, _ := openSample(t)
	w.F.IO.In = strings.NewReader("7 sure\n2\n3\nshopctl call catalog ListProducts\nshopctl down\n\n69\n7\n:?\n5\n\n:p\n:q\n")
	if err := lessoncmd.LessonPlain(t.Context(), w.F, s); err != nil {
		t.Fatal(err)
	}
	if err := (&lessoncmd.LessonOptions{F: w.F, Again: "lesson sample"}).Leave(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	out := w.Out.String()
	at := 0
	for _, want := range []string{
		"A sample\n", "1/2 An unknown id", "Predict: What comes back", "  2  NOT_FOUND", "your prediction (number):",
		`! predict: unknown option "7"`, "how sure are you (1 guess, 2 fairly, 3 sure)?", `  {"id":"X"`, "! ", "$ shopctl call catalog GetProduct", "exit code 69 after",
		"you predicted  NOT_FOUND (sure)", "you saw        69", "it was         69", "A status of its own.",
		"The exit code is 64 and the number.", ":h      open a hint", "Five.", "2/2 Slow", "1/2 An unknown id",
	} {
		i := strings.Index(out[at:], want)
		if i < 0 {
			t.Fatalf("%q is missing after\n%s\nin\n%s", want, out[:at], out)
		}
		at += i
	}
	w.WantErr("the shop is restored; the lesson resumes at step 1 of 2", "next: shopctl lesson sample")
}

func TestAPlainLessonShowsTheSteadyStateAndTheCards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := clitest.NewWorld(t)
		w.F.IO.Accessible = true
		s, _ := openSample(t)
		w.F.IO.In = strings.NewReader("1 sure\n\n0\n5\n\n:s\n\n\n")
		if err := lessoncmd.LessonPlain(t.Context(), w.F, s); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		out := w.Out.String()
		for _, want := range []string{
			"Before you begin:\n  holds: the catalog is up and has no faults\n", "not reached: You know the number", "reached: A call runs out",
			"1  An unknown id\n   you predicted  An empty product (sure): not so\n   you saw        0\n   it was         69\n",
			"The steady state now:\n  holds: the catalog is up",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing in\n%s", want, out)
			}
		}
		if strings.Contains(out, "[x]") {
			t.Errorf("accessible text has symbols:\n%s", out)
		}
	})
}
