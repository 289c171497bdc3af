package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/lessonpane"
	"github.com/shopctl/shopctl/pkg/tui/style"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// prompt is a line to type in; it replaces the key line.
type prompt struct {
	label string
	input textedit.Line
	hint  string
	// changed is called at every change, enter at the end, and esc when the prompt is canceled.
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
	label := " " + m.state.Say(p.label) + " "
	hint := m.state.Say(p.hint)
	if m.width < 60 {
		hint = ""
	}
	text, at := p.input.View(m.width - style.Width(label) - style.Width(hint) - 2)
	return m.state.Justify(m.state.Accent.Paint(label)+text, m.state.Faint.Paint(hint)+" ", m.width), style.Width(label) + at
}

// promptFilter filters the pane in focus while the text is typed.
func (m *model) promptFilter() {
	filter := m.pane(m.focus).Filter()
	before := *filter
	hint := "enter applies  esc clears"
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

// promptAnswer asks for the answer to the open question.
func (m *model) promptAnswer() {
	q, _ := m.lesson.Question()
	label := m.state.Say("your answer")
	if q.Unit != "" {
		label += " " + m.state.Sayf("in %s", q.Unit)
	}
	m.prompt = &prompt{label: label + ":", hint: "enter sends  esc cancels", enter: func(text string) tea.Cmd { return m.answer(q, text) }}
}

// Actions on goals: the goals are brought into view afterwards.
const (
	doCheck  = "check"
	doAnswer = "answer"
)

// answer sends an answer to the lesson.
func (m *model) answer(q lessonpane.Question, text string) tea.Cmd {
	if q.Kind == lesson.ObserveBlock {
		return m.act("observe", func(s Session) error { return s.Observe(text) })
	}
	return m.act(doAnswer, func(s Session) error { return s.Answer(q.Check, text) })
}

// chooseOption selects an option of the open question; some predictions also ask how sure the learner is.
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

// predict sends the selected option to the lesson.
func (m *model) predict(confidence string) tea.Cmd {
	q, ok := m.lesson.Question()
	i := m.lesson.Picked
	m.lesson.Picked = -1
	if !ok || i < 0 || i >= len(q.Options) {
		return nil
	}
	return m.act("predict", func(s Session) error { return s.Predict(q.Options[i].ID, confidence) })
}

// act performs a short action on the lesson; the lesson shows its outcome.
func (m *model) act(what string, f func(Session) error) tea.Cmd {
	s := m.session
	return m.commands.Do(what, "", func(context.Context) (string, error) { return "", f(s) })
}

// actLong performs an action that takes time, and shows that it is running.
func (m *model) actLong(what string, f func(Session, context.Context) error) tea.Cmd {
	m.busy = what
	s := m.session
	return m.commands.Do(what, "", func(ctx context.Context) (string, error) { return "", f(s, ctx) })
}

// runStep runs the step's command.
func (m *model) runStep() tea.Cmd {
	s := m.session
	s.SetColumns(m.showOutput())
	m.lesson.Follow()
	return m.commands.Do("run", "", func(ctx context.Context) (string, error) {
		inside, stop := m.commands.Interruptible(ctx)
		defer stop()
		err := s.Run(inside)
		if inside.Err() != nil && ctx.Err() == nil {
			return "the step's command was interrupted; e runs it again", nil
		}
		return "", err
	})
}
