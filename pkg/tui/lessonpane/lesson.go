package lessonpane

import (
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Pane shows the step of a lesson.
type Pane struct {
	state *pane.State
	// View is the lesson as it is now.
	View lesson.View
	// Picked is the index of the option whose confidence is asked for; -1 if none is.
	Picked int
	// Beside is true if the output pane is in view beside the lesson.
	Beside bool
	// selectedGoal is the id of the goal that the user moved the cursor to; empty: the cursor is on the goal that
	// matters.
	selectedGoal string
	spots        []goalLines
	scroll       style.Viewport
	roomy        bool // there is room for optional parts
	// reveal brings something into view: a block of kind revealKind, or else what is to be done now.
	reveal     bool
	revealKind lesson.BlockKind
	// expanded is true if the goal at the cursor has more lines than before: if its first line is in view, all should
	// be.
	expanded bool
	// following is true while the end of the running command's output is kept in view.
	following bool
	// proseCache keeps the prose as it was last drawn, for a width and a theme.
	proseCache map[string][]string
	proseWidth int
	proseTheme *style.Theme
	// cardAt is the line of the step's card; showCard is true until it was brought to the top of the view.
	cardAt   int
	showCard bool
	// asked is the lines of the block with the open question, empty if there is none.
	asked [2]int
	// cache is the whole step as it was last drawn.
	cache drawing
}

// drawing is a drawn step, and everything that it depends on.
type drawing struct {
	width, picked int
	beside        bool
	roomy         bool
	cursor        string
	theme         *style.Theme
	revealKind    lesson.BlockKind
	lines         []string
	spots         []goalLines
	from, to      int
}

func New(state *pane.State, v lesson.View) *Pane {
	p := &Pane{state: state, View: v, Picked: -1}
	if b, ok := p.Block(lesson.PredictBlock); ok && b.Predict != nil {
		p.reveal = b.Predict.Chosen != "" // resumed in the middle of a step
	}
	return p
}

// Apply shows a new view. The position changes only with the step, and when something else is to be done now.
func (p *Pane) Apply(v lesson.View) {
	before := p.View
	p.View, p.cache = v, drawing{}
	p.showCard = p.showCard || v.Step.ID == before.Step.ID && revealed(v) && !revealed(before)
	switch {
	case v.Step.ID != before.Step.ID:
		p.scroll, p.proseCache, p.Picked, p.reveal, p.selectedGoal = style.Viewport{}, nil, -1, false, ""
	case v.Step.Next != before.Step.Next, v.Done && !before.Done:
		p.Picked, p.reveal, p.revealKind, p.selectedGoal = -1, true, "", ""
	case openHints(v) > openHints(before):
		p.Show(lesson.HintsBlock)
	case responses(v) != responses(before):
		p.Show(lesson.CheckBlock)
	case p.following && output(v) != output(before):
		p.reveal = true
	default:
		p.expanded = p.expanded || verdictOf(v, p.Cursor()) != verdictOf(before, p.Cursor())
	}
}

// verdictOf is the verdict on a goal and its message; empty if there is no such goal.
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
func (p *Pane) ShowNext() { p.reveal = true }

// Show brings a block into view.
func (p *Pane) Show(k lesson.BlockKind) { p.reveal, p.revealKind = true, k }

// openHints counts the hints that are open.
func openHints(v lesson.View) int {
	n := 0
	for _, b := range v.Step.Blocks {
		if b.Hints != nil {
			n += len(b.Hints.Opened)
		}
	}
	return n
}

// responses is the feedback to all answers.
func responses(v lesson.View) string {
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
func (p *Pane) Block(k lesson.BlockKind) (lesson.BlockView, bool) {
	for _, b := range p.View.Step.Blocks {
		if b.Kind == k {
			return b, true
		}
	}
	return lesson.BlockView{}, false
}

// Hints returns the hints, nil if there are none yet.
func (p *Pane) Hints() *lesson.HintsView {
	b, _ := p.Block(lesson.HintsBlock)
	return b.Hints
}

// Scroll moves by lines; line by line, the cursor goes through the goals in view before the text moves.
func (p *Pane) Scroll(lines int) {
	if (lines == 1 || lines == -1) && p.step(lines) {
		return
	}
	p.scroll.ScrollBy(lines, false)
	p.following = false
}

// Follow keeps the end of the running command's output in view until the user scrolls.
func (p *Pane) Follow() { p.following = true }

// output is that of the step's command.
func output(v lesson.View) string {
	for _, b := range v.Step.Blocks {
		if b.Run != nil {
			return b.Run.Output
		}
	}
	return ""
}

// Filter returns nil: a lesson is not a list.
func (p *Pane) Filter() *string { return nil }

// Position describes which part is in view.
func (p *Pane) Position() string { return p.scroll.Position() }

// Render draws the step.
func (p *Pane) Render(width, height int) string {
	p.roomy = height >= roomyHeight
	lines, from, to := p.lines(width)
	p.scroll.Window(len(lines), height)
	if p.reveal && to > from {
		if p.following {
			from = max(from, to-height)
		}
		p.scroll.Reveal(from, to)
	}
	if i := slices.IndexFunc(p.cache.spots, func(s goalLines) bool { return s.id == p.cache.cursor && p.isInView(s) }); p.expanded && i >= 0 {
		p.scroll.Reveal(p.cache.spots[i].from, p.cache.spots[i].to)
	}
	if p.showCard && revealed(p.View) {
		p.scroll.Top = p.cardAt
	}
	p.showCard = false
	p.reveal, p.revealKind, p.expanded = false, "", false
	first, last := p.scroll.Window(len(lines), height)
	return strings.Join(lines[first:last], "\n")
}

// lines returns the whole step, and which of its lines to bring into view, if any.
func (p *Pane) lines(width int) (lines []string, from, to int) {
	d := &p.cache
	if at := p.Cursor(); d.theme != p.state.Theme || d.width != width || d.beside != p.Beside || d.roomy != p.roomy || d.picked != p.Picked || d.cursor != at || d.revealKind != p.revealKind {
		*d = drawing{theme: p.state.Theme, beside: p.Beside, width: width, roomy: p.roomy, picked: p.Picked, cursor: at, revealKind: p.revealKind}
		d.lines, d.from, d.to = p.drawStep(width)
		d.spots = p.spots
	}
	return d.lines, d.from, d.to
}

func (p *Pane) drawStep(width int) (lines []string, from, to int) {
	lines = p.steadyBefore(width)
	cardAfter := p.cardAfter()
	q, _ := p.Question()
	p.asked = [2]int{}
	for _, b := range p.View.Step.Blocks {
		block := p.draw(b, width)
		if b.Kind == cardAfter {
			if len(block) > 0 {
				block = append(block, "")
			}
			p.cardAt = len(lines) + len(block)
			if len(lines) > 0 {
				p.cardAt++ // the empty line before the block
			}
			block = append(block, p.card(p.View.Step.Card, width)...)
		}
		if len(block) == 0 {
			continue
		}
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		if b.Kind == q.Kind {
			p.asked = [2]int{len(lines), len(lines) + len(block)}
		}
		if b.Kind == p.revealKind || p.revealKind == "" && p.isNext(b.Kind) {
			from, to = len(lines), len(lines)+len(block)
		}
		if b.Kind == lesson.CheckBlock {
			for i := range p.spots {
				p.spots[i].from, p.spots[i].to = p.spots[i].from+len(lines), p.spots[i].to+len(lines)
			}
		}
		lines = append(lines, block...)
	}
	if after := p.summary(width); after != nil {
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
		lines = append(lines, style.Hang(p.state.Accent.Paint(p.state.Mark+" "), text, width)...)
		if p.revealKind == "" {
			to = len(lines)
		}
	}
	return lines, from, to
}

// isNext reports whether a block of kind k is what is to be done now.
func (p *Pane) isNext(k lesson.BlockKind) bool {
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

func (p *Pane) draw(b lesson.BlockView, width int) []string {
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
		return p.hintsBlock(b.Hints, width)
	case b.Kind == lesson.RecallBlock:
		lines := []string{p.label("Remember") + p.state.Faint.Paint("  "+p.state.Say("you will be asked again"))}
		return append(lines, p.prose(b.Markdown, width)...)
	}
	return p.prose(b.Markdown, width)
}

// prose draws Markdown, once for each width.
func (p *Pane) prose(markdown string, width int) []string {
	if p.proseCache == nil || p.proseWidth != width || p.proseTheme != p.state.Theme {
		p.proseCache, p.proseWidth, p.proseTheme = map[string][]string{}, width, p.state.Theme
	}
	lines, ok := p.proseCache[markdown]
	if !ok {
		lines = p.state.Markdown(markdown, width)
		p.proseCache[markdown] = lines
	}
	return lines
}

func (p *Pane) label(word string) string { return p.state.Heading.Paint(p.state.Say(word)) }
