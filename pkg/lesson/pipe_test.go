package lesson_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
)

// echo prints its words and what it read, and a note to standard error. "missing" fails.
type echo struct{}

func (echo) Run(_ context.Context, c lesson.Command, out io.Writer) (int, error) {
	text, stdout := strings.Join(c.Args, " "), out
	if c.In != nil {
		read, err := io.ReadAll(c.In)
		if err != nil {
			return 1, err
		}
		text += " < " + strings.TrimSpace(string(read))
	}
	if c.Out != nil {
		stdout = c.Out
	}
	fmt.Fprintln(out, "note")
	fmt.Fprintln(stdout, text)
	if strings.Contains(text, "missing") {
		return 7, nil
	}
	return 0, nil
}

// piping opens a lesson whose run is one line, on a machine where shopctl only echoes.
func piping(t *testing.T, w *world, run string) *lesson.Session {
	t.Helper()
	text := strings.Replace(lessontest.Text, `shopctl call catalog GetProduct '{"id":"NOPE"}'`, run, 1)
	w.l = lessontest.Lesson(t, map[string]string{"lesson.md": text})
	w.deps.Runner = echo{}
	return w.open()
}

func TestWhatOneCommandPrintsIsReadByTheNext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := piping(t, w, "shopctl call a One | shopctl call b Two -")
		defer w.close(s)
		w.play(s, "predict empty guess\nrun\nexit 0")
		want := "$ shopctl call a One | shopctl call b Two -\nnote\nnote\ncall b Two - < call a One\n"
		if got := block(t, s.Snapshot(), lesson.RunBlock).Run.Output; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestTheExitCodeOfAPipeIsThatOfItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := piping(t, w, "shopctl call a One | shopctl call b missing")
		defer w.close(s)
		w.play(s, "predict empty guess\nrun\nexit 7")
	})
}

func TestAScriptTypesWhatItHasRead(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := piping(t, w, "shopctl call parcel UT-15565")
		defer w.close(s)
		w.play(s, `predict empty guess
run
take id 'parcel (\S+)'
shopctl call follow {id}
capture again 'follow (\S+)'
! shopctl call missing {id}{again}
observe 15565
`)
		sc, err := lesson.ParseScript("s.txtar", []byte("capture id 'no such (thing)'\ncapture id nogroup"))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{`no match in the latest output, ""`, `"nogroup" is not a pattern with one group`} {
			if err := s.Do(t.Context(), sc, sc.Actions[i]); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", sc.Actions[i], err, want)
			}
		}
	})
}
