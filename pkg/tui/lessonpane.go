package tui

import (
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson"
)

// lessonPane shows the step of a lesson.
type lessonPane struct {
	w *world
	// View is the lesson as it is now.
	View lesson.View
	// Picked is the option, from 0, whose confidence is asked for; -1 if none is.
	Picked int
	// at is the id of the goal that the cursor was moved to; empty: it stands where it matters.
	at     string
	spots  []spot
	scroll scroll
	tall   bool // there is room for more than what is needed
	// reveal says that something must come into view: a block of kind news, or what is to be done now.
	reveal bool
	news   lesson.BlockKind
	// grown says that the goal at the cursor has more to say: if its beginning is in view, all of it should be.
	grown bool
	// drawn keeps the prose as it was drawn last, for drawnAt cells.
	drawn   map[string][]string
	drawnAt int
	drawnBy *theme
	// kept is the whole step as it was drawn last.
	kept drawing
}

// drawing is a drawn step, and all that it depends on.
type drawing struct {
	width, picked int
	tall          bool
	cursor        string
	theme         *theme
	news          lesson.BlockKind
	lines         []string
	spots         []spot
	from, to      int
}

func newLessonPane(w *world, v lesson.View) *lessonPane {
	p := &lessonPane{w: w, View: v, Picked: -1}
	if b, ok := p.Block(lesson.PredictBlock); ok && b.Predict != nil {
		p.reveal = b.Predict.Chosen != "" // resumed in the middle of a step
	}
	return p
}

// take shows a new view. Nothing moves on by itself: the place changes only with the step, and when
// something else is to be done now.
func (p *lessonPane) take(v lesson.View) {
	before := p.View
	p.View, p.kept = v, drawing{}
	switch {
	case v.Step.ID != before.Step.ID:
		p.scroll, p.drawn, p.Picked, p.reveal, p.at = scroll{}, nil, -1, false, ""
	case v.Step.Next != before.Step.Next, v.Done && !before.Done:
		p.Picked, p.reveal, p.news, p.at = -1, true, "", ""
	case opened(v) > opened(before):
		p.Show(lesson.HintsBlock)
	case said(v) != said(before):
		p.Show(lesson.CheckBlock)
	default:
		p.grown = p.grown || verdictOf(v, p.Cursor()) != verdictOf(before, p.Cursor())
	}
}

// verdictOf is what is said to a goal; empty if there is none such.
func verdictOf(v lesson.View, id string) string {
	for _, b := range v.Step.Blocks {
		for _, c := range b.Checks {
			if c.ID == id {
				return string(c.Verdict) + c.Message
			}
		}
	}
	return ""
}

// ShowNext brings what is to be done now into view.
func (p *lessonPane) ShowNext() { p.reveal = true }

// Show brings a block into view.
func (p *lessonPane) Show(k lesson.BlockKind) { p.reveal, p.news = true, k }

// opened counts the hints that are open.
func opened(v lesson.View) int {
	n := 0
	for _, b := range v.Step.Blocks {
		if b.Hints != nil {
			n += len(b.Hints.Opened)
		}
	}
	return n
}

// said is what the lesson says to answers.
func said(v lesson.View) string {
	text := ""
	for _, b := range v.Step.Blocks {
		for _, c := range b.Checks {
			if c.Given != "" {
				text += c.Given + c.Message
			}
		}
	}
	return text
}

// Block returns the step's block of a kind, and whether there is one.
func (p *lessonPane) Block(k lesson.BlockKind) (lesson.BlockView, bool) {
	for _, b := range p.View.Step.Blocks {
		if b.Kind == k {
			return b, true
		}
	}
	return lesson.BlockView{}, false
}

// question is what the learner is asked now.
type question struct {
	kind    lesson.BlockKind
	check   string // id, of an answer
	text    string
	options []lesson.Option
	unit    string
	// sure says that a confidence belongs to the answer.
	sure bool
}

// asked returns the question that is open now; ok is false if none is.
func (p *lessonPane) Question() (q question, ok bool) {
	switch p.View.Step.Next {
	case "predict":
		if b, ok := p.Block(lesson.PredictBlock); ok {
			return question{kind: b.Kind, text: b.Predict.Question, options: b.Predict.Options, sure: b.Predict.AsksConfidence}, true
		}
	case "observe":
		if b, ok := p.Block(lesson.ObserveBlock); ok {
			return question{kind: b.Kind, text: b.Observe.Question, options: b.Observe.Options, unit: b.Observe.Unit}, true
		}
	case "answer":
		b, _ := p.Block(lesson.CheckBlock)
		for _, c := range b.Checks {
			if answerable(c) {
				return question{kind: b.Kind, check: c.ID, text: c.Question, options: c.Options, unit: c.Unit}, true
			}
		}
	}
	return question{}, false
}

// answerable tells whether c asks something that is not answered and waits for nothing.
func answerable(c lesson.CheckView) bool {
	return c.Question != "" && c.Verdict != lesson.Pass && !strings.HasPrefix(c.Message, "waits for")
}

// Hints returns the ladder, nil if there is none yet.
func (p *lessonPane) Hints() *lesson.HintsView {
	b, _ := p.Block(lesson.HintsBlock)
	return b.Hints
}

// Scroll moves by lines; line by line, the cursor goes over the goals in view before the text moves.
func (p *lessonPane) Scroll(lines int) {
	if (lines == 1 || lines == -1) && p.step(lines) {
		return
	}
	p.scroll.by(lines, false)
}

// Filter returns nil: a lesson is read.
func (p *lessonPane) Filter() *string { return nil }

// Position says which part is in view.
func (p *lessonPane) Position() string { return p.scroll.place() }

// Render draws the step.
func (p *lessonPane) Render(width, height int) string {
	p.tall = height >= tallLesson
	lines, from, to := p.lines(width)
	p.scroll.window(len(lines), height)
	if p.reveal && to > from {
		p.scroll.reveal(from, to)
	}
	if i := slices.IndexFunc(p.kept.spots, func(s spot) bool { return s.id == p.kept.cursor && p.inView(s) }); p.grown && i >= 0 {
		p.scroll.reveal(p.kept.spots[i].from, p.kept.spots[i].to)
	}
	p.reveal, p.news, p.grown = false, "", false
	first, last := p.scroll.window(len(lines), height)
	return strings.Join(lines[first:last], "\n")
}

// lines returns the whole step, and which of its lines must come into view if any must.
func (p *lessonPane) lines(width int) (lines []string, from, to int) {
	d := &p.kept
	if at := p.Cursor(); d.theme != p.w.theme || d.width != width || d.tall != p.tall || d.picked != p.Picked || d.cursor != at || d.news != p.news {
		*d = drawing{theme: p.w.theme, width: width, tall: p.tall, picked: p.Picked, cursor: at, news: p.news}
		d.lines, d.from, d.to = p.drawStep(width)
		d.spots = p.spots
	}
	return d.lines, d.from, d.to
}

func (p *lessonPane) drawStep(width int) (lines []string, from, to int) {
	lines = p.before(width)
	for _, b := range p.View.Step.Blocks {
		block := p.draw(b, width)
		if len(block) == 0 {
			continue
		}
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		if b.Kind == p.news || p.news == "" && p.isNext(b.Kind) {
			from, to = len(lines), len(lines)+len(block)
		}
		if b.Kind == lesson.CheckBlock {
			for i := range p.spots {
				p.spots[i].from, p.spots[i].to = p.spots[i].from+len(lines), p.spots[i].to+len(lines)
			}
		}
		lines = append(lines, block...)
	}
	if after := p.after(width); after != nil {
		lines = append(lines, "")
		from = len(lines)
		lines = append(lines, after...)
		to = len(lines)
	}
	if text := p.whatNext(); text != "" {
		lines = append(lines, "")
		if from == to {
			from = len(lines)
		}
		lines = append(lines, hang(p.w.accent.paint(p.w.mark+" "), text, width)...)
		if p.news == "" {
			to = len(lines)
		}
	}
	return lines, from, to
}

// isNext tells whether a block of kind k is what is to be done now.
func (p *lessonPane) isNext(k lesson.BlockKind) bool {
	switch p.View.Step.Next {
	case "predict":
		return k == lesson.PredictBlock
	case "run":
		return k == lesson.RunBlock
	case "observe":
		return k == lesson.ObserveBlock
	case "answer", "check":
		return k == lesson.CheckBlock
	}
	return false
}

// whatNext is the line below the step: the one key that leads on.
func (p *lessonPane) whatNext() string {
	q, open := p.Question()
	switch {
	case p.View.Done:
		return "The lesson is done. q leaves it, and restores the shop."
	case open && p.Picked >= 0:
		return "How sure are you? 1 guess, 2 fairly, 3 sure"
	case open && len(q.options) > 0:
		return "Choose with the number keys."
	case open:
		return "enter: type your answer"
	}
	run, _ := p.Block(lesson.RunBlock)
	switch p.View.Step.Next {
	case "run":
		if run.Run != nil && run.Run.Running {
			return ""
		}
		return "e: run the command"
	case "check":
		return "The goals are looked at all the time; c looks now."
	case "next":
		return "n: next step"
	case "done":
		return "n: end the lesson"
	}
	return ""
}

func (p *lessonPane) draw(b lesson.BlockView, width int) []string {
	switch {
	case b.Predict != nil:
		return p.predict(b.Predict, width)
	case b.Run != nil:
		return p.run(b.Run, width)
	case b.Observe != nil:
		return p.observe(b.Observe, width)
	case b.Kind == lesson.CheckBlock:
		return p.goals(b.Checks, width)
	case b.Hints != nil:
		return p.ladder(b.Hints, width)
	case b.Kind == lesson.RecallBlock:
		lines := []string{p.label("Remember") + p.w.faint.paint("  you will be asked again")}
		return append(lines, p.prose(b.Markdown, width)...)
	}
	return p.prose(b.Markdown, width)
}

// prose draws Markdown, once for each width.
func (p *lessonPane) prose(markdown string, width int) []string {
	if p.drawn == nil || p.drawnAt != width || p.drawnBy != p.w.theme {
		p.drawn, p.drawnAt, p.drawnBy = map[string][]string{}, width, p.w.theme
	}
	lines, ok := p.drawn[markdown]
	if !ok {
		lines = p.w.markdown(markdown, width)
		p.drawn[markdown] = lines
	}
	return lines
}

func (p *lessonPane) label(word string) string { return p.w.heading.paint(word) }
