package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/style"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// prompt is a line to type in, in the place of the keys.
type prompt struct {
	label string
	input textedit.Line
	hint  string
	// changed is told of every change, enter of the end; esc of giving up.
	changed func(text string)
	enter   func(text string) tea.Cmd
	esc     func()
}

func (m *model) promptKey(k tea.KeyPressMsg) tea.Cmd {
	p := m.prompt
	switch k.String() {
	case "esc":
		m.prompt = nil
		if p.esc != nil {
			p.esc()
		}
	case "enter":
		m.prompt = nil
		return p.enter(p.input.String())
	default:
		p.input.Key(k)
		m.promptChanged()
	}
	return nil
}

func (m *model) promptChanged() {
	if m.prompt.changed != nil {
		m.prompt.changed(m.prompt.input.String())
	}
}

func (m *model) promptLine() (line string, cursor int) {
	p := m.prompt
	label := " " + p.label + " "
	hint := p.hint
	if m.width < 60 {
		hint = ""
	}
	text, at := p.input.View(m.width - style.Width(label) - style.Width(hint) - 2)
	return m.state.Justify(m.state.Accent.Paint(label)+text, m.state.Faint.Paint(hint)+" ", m.width), style.Width(label) + at
}

// askFilter filters the pane in focus while its text is typed.
func (m *model) promptFilter() {
	filter := m.pane(m.focus).Filter()
	before := *filter
	hint := "enter keeps it  esc drops it"
	if p, ok := m.pane(m.focus).(interface{ FilterHint() string }); ok {
		hint = p.FilterHint() + "  " + hint
	}
	m.prompt = &prompt{
		label: "/", input: textedit.NewLine(before), hint: hint,
		changed: func(text string) { *filter = text },
		enter:   func(text string) tea.Cmd { *filter = text; return nil },
		esc:     func() { *filter = "" },
	}
}

// askAnswer takes the answer to the open question.
func (m *model) promptAnswer() {
	q, _ := m.lesson.Question()
	label := "your answer"
	if q.Unit != "" {
		label += " in " + q.Unit
	}
	m.prompt = &prompt{label: label + ":", hint: "enter sends it  esc goes back", enter: func(text string) tea.Cmd { return m.answer(q, text) }}
}

// What is done to goals: they are shown afterwards.
const (
	doCheck  = "check"
	doAnswer = "answer"
)

// answer gives an answer to the lesson.
func (m *model) answer(q pane.Question, text string) tea.Cmd {
	if q.Kind == lesson.ObserveBlock {
		return m.act("observe", func(s Session) error { return s.Observe(text) })
	}
	return m.act(doAnswer, func(s Session) error { return s.Answer(q.Check, text) })
}

// chooseOption takes an option of the open question; a prediction wants to know how sure it is.
func (m *model) chooseOption(i int) tea.Cmd {
	q, ok := m.lesson.Question()
	if !ok || i >= len(q.Options) {
		return nil
	}
	if q.Kind == lesson.PredictBlock {
		m.lesson.Picked = i
		if q.AsksConfidence {
			m.lesson.ShowNext()
			return nil
		}
		return m.predict("")
	}
	return m.answer(q, q.Options[i].ID)
}

// predict gives the picked option to the lesson.
func (m *model) predict(confidence string) tea.Cmd {
	q, ok := m.lesson.Question()
	i := m.lesson.Picked
	m.lesson.Picked = -1
	if !ok || i < 0 || i >= len(q.Options) {
		return nil
	}
	return m.act("predict", func(s Session) error { return s.Predict(q.Options[i].ID, confidence) })
}

// act does something short to the lesson; what came of it is seen in the lesson.
func (m *model) act(what string, f func(Session) error) tea.Cmd {
	s := m.session
	return m.commands.do(what, "", func(context.Context) (string, error) { return "", f(s) })
}

// long does something that takes its time, and says so while it does.
func (m *model) actLong(what string, f func(Session, context.Context) error) tea.Cmd {
	m.busy = what
	s := m.session
	return m.commands.do(what, "", func(ctx context.Context) (string, error) { return "", f(s, ctx) })
}

// runStep runs the step's command.
func (m *model) runStep() tea.Cmd {
	s := m.session
	return m.commands.do("run", "", func(ctx context.Context) (string, error) {
		inside, stop := m.commands.tasks.interruptible(ctx)
		defer stop()
		err := s.Run(inside)
		if inside.Err() != nil && ctx.Err() == nil {
			return "the step's command was interrupted; e runs it again", nil
		}
		return "", err
	})
}
