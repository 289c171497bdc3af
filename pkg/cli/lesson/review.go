package lesson

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/lesson"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
	"github.com/shopctl/shopctl/pkg/lesson/review"
)

// reviewItemView is a due question as JSON. Fields are only added, and always present.
type reviewItemView struct {
	Lesson   string   `json:"lesson"`
	ID       string   `json:"id"`
	Question string   `json:"question"`
	Options  []string `json:"options"`
	Due      string   `json:"due"`
	Asked    int      `json:"asked"`
	// Stage counts consecutive correct answers; SureAndWrong puts a question first.
	Stage        int  `json:"stage"`
	SureAndWrong bool `json:"sure_and_wrong"`
}

type reviewView struct {
	Due []reviewItemView `json:"due"`
	// Next is when the next question becomes due, empty if there is none.
	Next string `json:"next"`
}

func (v reviewView) Names() []string {
	names := make([]string, len(v.Due))
	for i, item := range v.Due {
		names[i] = item.Lesson + "/" + item.ID
	}
	return names
}

type reviewOptions struct {
	f      *cmdutil.Factory
	format string
	lang   string
	list   bool
	limit  int
	lines  <-chan string
}

func NewReviewCmd(f *cmdutil.Factory) *cobra.Command {
	o := &reviewOptions{f: f}
	cmd := &cobra.Command{
		Use:   "review",
		Short: "Answer questions from earlier lessons, spaced over days",
		Long: `Answer questions from lessons that you have taken. Each question returns 1, 3, 7, 16 and 35 days after the last correct
answer; a wrong answer restarts the series, and wrong answers that you were sure of come first. Answers are read from
standard input; -o lists the due questions instead. The shop need not be running.`,
		Example: `shopctl review
shopctl review --limit 3
shopctl review -o json`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.list = cmd.Flags().Changed("output")
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().IntVar(&o.limit, "limit", 10, "maximum `NUMBER` of questions")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("limit", cobra.NoFileCompletions))
	cmdutil.AddOutput(cmd, &o.format)
	addLanguage(cmd, &o.lang)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitInterrupted)
}

func (o *reviewOptions) run(ctx context.Context) error {
	if o.limit < 1 {
		return cmdutil.UsageErr(o.f.IO.Command("review --limit 10"), "--limit %d: want at least 1", o.limit)
	}
	all, err := lessonsInLanguage(o.f, o.lang)
	if err != nil {
		return err
	}
	store, _, err := lessonProgress(o.f)
	if err != nil {
		return err
	}
	file, aside, err := store.Read()
	if err != nil {
		return err
	}
	if aside != "" {
		o.f.IO.Warnf("progress is unreadable and starts from scratch; the old file is kept as %s", aside)
	}
	now := o.f.Now()
	due := review.Due(all, file, now)
	next := review.Next(all, file, now)
	due = due[:min(len(due), o.limit)]
	if o.list {
		view := viewReview(due, next)
		return o.f.IO.Print(o.format, view, func(w io.Writer) { reviewTable(w, view) })
	}
	if len(due) == 0 {
		o.nothingDue(next)
		return nil
	}
	return o.ask(ctx, store, due)
}

func viewReview(due []review.Item, next time.Time) reviewView {
	view := reviewView{Due: []reviewItemView{}}
	if !next.IsZero() {
		view.Next = next.Format(time.RFC3339)
	}
	for _, i := range due {
		item := reviewItemView{
			Lesson: i.Lesson.ID, ID: i.Question.ID, Question: i.Question.Ask, Options: []string{},
			Due: i.Recall.Due.Format(time.RFC3339), Asked: i.Recall.Asked, Stage: i.Recall.Stage, SureAndWrong: i.Surprised,
		}
		for _, option := range i.Question.Options {
			item.Options = append(item.Options, option.Say)
		}
		view.Due = append(view.Due, item)
	}
	return view
}

func reviewTable(w io.Writer, view reviewView) {
	t := iostreams.NewTable("LESSON", "ASKED", "LAST TIME", "QUESTION")
	for _, i := range view.Due {
		last := "-"
		if i.SureAndWrong {
			last = "sure and wrong"
		} else if i.Asked > 0 {
			last = map[bool]string{true: "known", false: "not known"}[i.Stage > 0]
		}
		t.Row(i.Lesson, fmt.Sprint(i.Asked), last, i.Question)
	}
	t.Write(w)
}

func (o *reviewOptions) nothingDue(next time.Time) {
	if next.IsZero() {
		o.f.IO.Notef("no questions are due: they become due the day after a lesson")
		o.f.IO.Next("lesson list")
		return
	}
	o.f.IO.Notef("no questions are due; the next one is due on %s", next.Format("Monday 2 January"))
}

// ask reads the answers from standard input. Each is saved immediately, so that leaving loses none.
func (o *reviewOptions) ask(ctx context.Context, store *lessonprogress.Store, due []review.Item) error {
	o.lines = readLines(ctx, o.f.IO)
	fmt.Fprintf(o.f.IO.Out, "%s. :s skips one, :q leaves.\n", humanize.Count(len(due), "question"))
	known := 0
	for n, item := range due {
		fmt.Fprintf(o.f.IO.Out, "\n%d/%d  %s\n%s\n", n+1, len(due), item.Lesson.Title, item.Question.Ask)
		for i, option := range item.Question.Options {
			fmt.Fprintf(o.f.IO.Out, "  %d  %s\n", i+1, option.Say)
		}
		given, confidence, ok := o.answer(ctx)
		if !ok {
			break
		}
		if given == "" {
			continue
		}
		right, truth := review.Judge(item.Question, given)
		var after lessonprogress.Recall
		if _, err := store.Update(func(f *lessonprogress.File) { after = item.Answer(f, right, confidence, o.f.Now()) }); err != nil {
			return err
		}
		if right {
			known++
		}
		o.tell(item, right, truth, after)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	fmt.Fprintf(o.f.IO.Out, "\n%d of %s correct.\n", known, humanize.Count(len(due), "question"))
	return nil
}

// answer reads an answer and its confidence; it is empty for a skipped question, and ok is false at the end of the
// input.
func (o *reviewOptions) answer(ctx context.Context) (given, confidence string, ok bool) {
	given, ok = o.read(ctx, "your answer:")
	if !ok || given == ":q" {
		return "", "", false
	}
	if given == ":s" || given == "" {
		return "", "", true
	}
	for !slices.Contains(lesson.Confidences(), confidence) {
		if confidence, ok = o.read(ctx, "how sure are you ("+strings.Join(lesson.Confidences(), ", ")+")?"); !ok || confidence == ":q" {
			return "", "", false
		}
	}
	return given, confidence, true
}

func (o *reviewOptions) read(ctx context.Context, prompt string) (string, bool) {
	fmt.Fprintf(o.f.IO.Out, "%s ", prompt)
	select {
	case line, ok := <-o.lines:
		return strings.TrimSpace(line), ok
	case <-ctx.Done():
		return "", false
	}
}

func (o *reviewOptions) tell(item review.Item, right bool, truth string, after lessonprogress.Recall) {
	if right {
		fmt.Fprintln(o.f.IO.Out, o.f.IO.Paint(iostreams.ToneGood, "Correct."))
	} else {
		fmt.Fprintf(o.f.IO.Out, "%s %s\n", o.f.IO.Paint(iostreams.ToneBad, "The answer is:"), truth)
	}
	if item.Question.Answer != "" {
		fmt.Fprintln(o.f.IO.Out, item.Question.Answer)
	}
	switch {
	case after.Due.IsZero():
		fmt.Fprintln(o.f.IO.Out, "You know this well; it will not be asked again.")
	case !right:
		fmt.Fprintf(o.f.IO.Out, "It will be asked again tomorrow. To take the lesson again: %s\n", o.f.IO.Command("lesson "+item.Lesson.ID))
	default:
		fmt.Fprintf(o.f.IO.Out, "It will be asked again on %s.\n", after.Due.Format("Monday 2 January"))
	}
}
