package lesson

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
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
	say    reviewWords
}

// reviewWords are what review says to a learner, in one language.
type reviewWords struct {
	// questions, skip and known count questions; unsure has what was typed, again the command of the lesson, on the date.
	questions, answer, sure, unsure, right, wrong, known, tomorrow, again, on string
	date                                                                      string
}

func reviewIn(language string) reviewWords {
	if language == "ja" {
		return reviewWords{
			questions: "%d 問。:s で飛ばし、:q で終わります。", answer: "答え:", sure: "どのくらい自信がありますか (1 当て推量, 2 たぶん, 3 確信):",
			unsure: "%q は 1 から 3 のどれでもありません。", right: "正解です。", wrong: "正しくは:", known: "%[2]d 問中 %[1]d 問正解。",
			tomorrow: "明日もう一度たずねます。レッスンを読み直すには: %s", again: "もう覚えているので、たずねません。", on: "次は %s にたずねます。", date: "1 月 2 日",
		}
	}
	return reviewWords{
		questions: "%d due. :s skips one, :q leaves.", answer: "your answer:", sure: "how sure are you (1 guess, 2 fairly, 3 sure)?",
		unsure: "%q is none of these; type 1, 2 or 3", right: "Correct.", wrong: "The answer is:", known: "%d of %d correct.",
		tomorrow: "It will be asked again tomorrow. To take the lesson again: %s", again: "You know this well; it will not be asked again.",
		on: "It will be asked again on %s.", date: "Monday 2 January",
	}
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
	o.lines, o.say = readLines(ctx, o.f.IO), reviewIn(language(o.f, o.lang))
	fmt.Fprintf(o.f.IO.Out, o.say.questions+"\n", len(due))
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
	fmt.Fprintf(o.f.IO.Out, "\n"+o.say.known+"\n", known, len(due))
	return nil
}

// answer reads an answer and its confidence; it is empty for a skipped question, and ok is false at the end of the
// input.
func (o *reviewOptions) answer(ctx context.Context) (given, confidence string, ok bool) {
	given, ok = o.read(ctx, o.say.answer)
	if !ok || given == ":q" {
		return "", "", false
	}
	if given == ":s" || given == "" {
		return "", "", true
	}
	for {
		said, ok := o.read(ctx, o.say.sure)
		if !ok || said == ":q" {
			return "", "", false
		}
		if confidence = lesson.Confidence(said); confidence != "" {
			return given, confidence, true
		}
		fmt.Fprintf(o.f.IO.Out, o.say.unsure+"\n", said)
	}
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
		fmt.Fprintln(o.f.IO.Out, o.f.IO.Paint(iostreams.ToneGood, o.say.right))
	} else {
		fmt.Fprintf(o.f.IO.Out, "%s %s\n", o.f.IO.Paint(iostreams.ToneBad, o.say.wrong), truth)
	}
	if item.Question.Answer != "" {
		fmt.Fprintln(o.f.IO.Out, item.Question.Answer)
	}
	switch {
	case after.Due.IsZero():
		fmt.Fprintln(o.f.IO.Out, o.say.again)
	case !right:
		fmt.Fprintf(o.f.IO.Out, o.say.tomorrow+"\n", o.f.IO.Command("lesson "+item.Lesson.ID))
	default:
		fmt.Fprintf(o.f.IO.Out, o.say.on+"\n", after.Due.Format(o.say.date))
	}
}
