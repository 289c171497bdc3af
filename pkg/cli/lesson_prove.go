package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/prove"
)

type proofsView struct {
	OK      bool           `json:"ok"`
	Results []prove.Result `json:"results"`
}

func (v proofsView) names() []string {
	names := make([]string, len(v.Results))
	for i, r := range v.Results {
		names[i] = r.Lesson + "/" + r.Proof
	}
	return names
}

func newLessonProveCmd(f *Factory) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "test [LESSON | DIR]...",
		Short: "Prove lessons on shops of their own: red before, green by the solution, red again by mistakes",
		Long: `Prove lessons without a screen, each on a shop of its own that is started for it and stopped again: the steady
state holds, every check is red before anything was done, the solution turns all of them green, leaving restores the
steady state, other valid ways pass, and each mistake stays red with its own message. Without arguments, all lessons.`,
		Example: `shopctl lesson test grpc
shopctl lesson test ./lessons/communication`,
		ValidArgsFunction: completeLessons,
		RunE:              func(cmd *cobra.Command, args []string) error { return f.proveLessons(cmd.Context(), output, args) },
	}
	addOutput(cmd, &output)
	return exits(cmd, exitOK, exitFailed, exitUsage, exitEnvironment, exitInterrupted)
}

func (f *Factory) proveLessons(ctx context.Context, output string, args []string) error {
	chosen, err := f.chooseLessons(args)
	if err != nil {
		return err
	}
	view := proofsView{OK: true, Results: []prove.Result{}}
	for _, l := range chosen {
		if err := l.load; err != nil {
			view.Results = append(view.Results, prove.Result{Lesson: l.name, Proof: "read", Detail: err.Error()})
			view.OK = false
			continue
		}
		err := prove.Prove(ctx, l.lesson, lessonBooter{f}, f.Now, func(r prove.Result) {
			view.Results = append(view.Results, r)
			view.OK = view.OK && r.OK
			if f.Verbose {
				f.notef("%s %s: %s", r.Lesson, r.Proof, proofWord(r))
			}
		})
		if err != nil {
			return err
		}
	}
	if err := f.Print(output, view, func(w io.Writer) { f.proofTable(w, view) }); err != nil {
		return err
	}
	if !view.OK {
		return hintErr(exitFailed, f.command("lesson lint"), errors.New("not every lesson is proven"))
	}
	return nil
}

func proofWord(r prove.Result) string {
	if r.OK {
		return "ok"
	}
	return "failed"
}

func (f *Factory) proofTable(w io.Writer, view proofsView) {
	t := newTable("LESSON", "PROOF", "RESULT", "TIME")
	for _, r := range view.Results {
		tone := toneGood
		if !r.OK {
			tone = toneBad
		}
		took := time.Duration(r.Seconds * float64(time.Second)).Round(100 * time.Millisecond)
		t.row(r.Lesson, r.Proof, f.paint(tone, proofWord(r)), took.String())
	}
	t.write(w)
	for _, r := range view.Results {
		if !r.OK {
			fmt.Fprintf(w, "\n%s %s:\n  %s\n", r.Lesson, r.Proof, strings.ReplaceAll(r.Detail, "\n", "\n  "))
		}
	}
}

// chosenLesson is a lesson to prove, or why it could not be read.
type chosenLesson struct {
	name   string
	lesson *lesson.Lesson
	load   error
}

// chooseLessons reads the lessons that the arguments name: ids, or directories.
func (f *Factory) chooseLessons(args []string) ([]chosenLesson, error) {
	own, err := ownLessons()
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		args = lessonIDs(own)
	}
	var chosen []chosenLesson
	for _, arg := range args {
		if l := lesson.Find(own, arg); l != nil {
			chosen = append(chosen, chosenLesson{name: arg, lesson: l})
			continue
		}
		if info, err := os.Stat(arg); err != nil || !info.IsDir() {
			return nil, unknown("lesson", arg, lessonIDs(own))
		}
		all, err := lesson.Load(os.DirFS(arg))
		if err != nil {
			chosen = append(chosen, chosenLesson{name: arg, load: err})
		}
		if len(all) == 0 && err == nil {
			return nil, usageErr(f.command("lesson test ./lessons"), "there is no lesson.md in %s", arg)
		}
		for _, l := range all {
			chosen = append(chosen, chosenLesson{name: l.ID, lesson: l})
		}
	}
	return chosen, nil
}
