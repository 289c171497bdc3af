package tui

import (
	"cmp"
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/lessonpane"
)

// questionKeys answer the open question while the lesson is in focus.
func questionKeys() []binding {
	reading := func(m *model) bool { return m.session != nil && m.focus == paneLesson }
	asked := func(m *model) (lessonpane.Question, bool) {
		if !reading(m) {
			return lessonpane.Question{}, false
		}
		return m.lesson.Question()
	}
	sure := func(m *model) bool { return reading(m) && m.lesson.Picked >= 0 }
	looking := func(m *model) bool {
		_, ok := m.lesson.Evidence()
		return reading(m) && ok
	}
	return []binding{
		{
			keys: []string{"g", "f", "s", "1", "2", "3"}, shown: "1-3", group: groupLesson, name: "how sure", help: "1 guess, 2 fairly, 3 sure", rank: 1,
			active: sure,
			do:     func(m *model, key string) tea.Cmd { return m.predict(confidence(key)) },
		},
		{
			keys: []string{"esc", "q"}, shown: "esc", group: groupLesson, name: "choose again", help: "go back to the options", rank: 2, active: sure,
			do: func(m *model, _ string) tea.Cmd { m.lesson.Picked = -1; return nil },
		},
		{
			keys: strings.Split("123456789", ""), shown: "1-9", group: groupLesson, name: "choose", help: "choose an option", rank: 1,
			active: func(m *model) bool { q, ok := asked(m); return ok && len(q.Options) > 0 && !sure(m) && m.lesson.Asks() },
			do: func(m *model, key string) tea.Cmd {
				if q, _ := m.lesson.Question(); int(key[0]-'1') >= len(q.Options) {
					m.goTo(paneWithKey(key)) // it answers nothing
					return nil
				}
				return m.chooseOption(int(key[0] - '1'))
			},
		},
		{
			keys: []string{"enter"}, group: groupLesson, name: "answer", help: "type the answer to the question", rank: 1,
			active: func(m *model) bool { q, ok := asked(m); return ok && len(q.Options) == 0 && !looking(m) },
			do:     func(m *model, _ string) tea.Cmd { m.promptAnswer(); return nil },
		},
		{
			keys: []string{"enter"}, group: groupLesson, name: "evidence", help: "open the evidence of the goal at the cursor: a trace, a log line, a plot or an object", rank: 3,
			active: looking, inactiveReason: "no goal is selected; j and k select one",
			command: func(m *model) string {
				c, _ := m.lesson.Evidence()
				return strings.TrimPrefix(c.Look, "shopctl ")
			},
			do: func(m *model, _ string) tea.Cmd { return m.openEvidence() },
		},
	}
}

func confidence(key string) string {
	switch key {
	case "1", "g":
		return "guess"
	case "2", "f":
		return "fairly"
	default:
		return "sure"
	}
}

// lessonKeys work in every pane, as long as a lesson is open.
func lessonKeys() []binding {
	keys := slices.Concat(experimentKeys(), stepKeys())
	for i := range keys {
		keys[i].group = groupLesson
		keys[i].active = func(m *model) bool { return m.session != nil }
		keys[i].inactiveReason = "no lesson is open; shopctl lesson list shows the lessons"
	}
	return keys
}

func whyBusy(m *model) string { return m.busy }

func experimentKeys() []binding {
	return []binding{
		{
			keys: []string{"e"}, name: "run", help: "run the step's command", rank: 10,
			disabled: whyNotRun, command: runCommand, do: func(m *model, _ string) tea.Cmd { return m.runStep() },
		},
		{
			keys: []string{"y"}, name: "copy", help: "copy the step's command to the clipboard", rank: 14,
			disabled: func(m *model) string {
				if stepCommand(m) == "" {
					return "this step has no command"
				}
				return ""
			},
			do: func(m *model, _ string) tea.Cmd {
				m.notify(m.state.Good, "copied: "+firstLine(stepCommand(m)))
				return tea.SetClipboard(stepCommand(m))
			},
		},
		{
			keys: []string{"h"}, name: "hint", help: "open the next hint", rank: 12,
			disabled: whyNoHint, label: hintLabel,
			do: func(m *model, _ string) tea.Cmd { return m.act("open a hint", Session.Hint) },
		},
		{
			keys: []string{"c"}, name: "check", help: "check the goals now", rank: 11,
			disabled: whyBusy, do: func(m *model, _ string) tea.Cmd { return m.act(doCheck, Session.Check) },
		},
	}
}

func stepKeys() []binding {
	return []binding{
		{
			keys: []string{"E"}, name: "edit the files", help: "edit a file of the lesson in your editor", rank: 33,
			disabled: func(m *model) string {
				if len(m.lesson.View.Files) == 0 {
					return "this lesson has no files"
				}
				return ""
			},
			do: func(m *model, _ string) tea.Cmd { return m.editFiles() },
		},
		{
			keys: []string{"n"}, name: "next", help: "go to the next step", rank: 13,
			disabled: whyNotNext,
			do:       func(m *model, _ string) tea.Cmd { return m.act("next step", Session.Next) },
		},
		{
			keys: []string{"p"}, name: "previous", help: "go to the previous step", rank: 30,
			disabled: func(m *model) string {
				if m.lesson.View.StepIndex == 0 {
					return "this is the first step"
				}
				return ""
			},
			do: func(m *model, _ string) tea.Cmd { return m.act("previous step", Session.Prev) },
		},
		{
			keys: []string{"x"}, name: "reset", help: "undo all changes and restart the step", rank: 31,
			disabled: whyBusy, do: func(m *model, _ string) tea.Cmd {
				m.confirm("Restart this step?", "undo all changes in the shop and in the workspace", func(m *model) tea.Cmd { return m.actLong("resetting the step", Session.Reset) })
				return nil
			},
		},
		{
			keys: []string{"s"}, name: "solution", help: "run the solution of the step", rank: 32,
			disabled: whyBusy, do: func(m *model, _ string) tea.Cmd {
				m.confirm("Run the solution of this step?", "run it, and show what it changes", func(m *model) tea.Cmd {
					step := m.lesson.View.Step.ID
					return m.actLong("running the solution", func(s Session, ctx context.Context) error { return s.Solve(ctx, step) })
				})
				return nil
			},
		},
	}
}

func stepCommand(m *model) string {
	if b, ok := m.lesson.Block(lesson.RunBlock); ok && b.Run != nil {
		return strings.TrimRight(b.Run.Command, "\n")
	}
	return ""
}

// runCommand is the step's command without shopctl, as the key table needs it.
func runCommand(m *model) string {
	if m.session == nil {
		return ""
	}
	return strings.TrimPrefix(firstLine(stepCommand(m)), "shopctl ")
}

func firstLine(text string) string {
	first, rest, more := strings.Cut(text, "\n")
	if more && strings.TrimSpace(rest) != "" {
		return first + " ..."
	}
	return first
}

// unpredicted is what is missing of the step's prediction; empty if nothing is.
func unpredicted(m *model) string {
	switch {
	case m.lesson.View.Step.Next != "predict":
		return ""
	case m.lesson.Picked >= 0:
		return "say how sure you are"
	}
	return "predict first"
}

func whyNotNext(m *model) string {
	locked := m.lesson.View.Step.Locked
	if locked != "" {
		return cmp.Or(unpredicted(m), locked)
	}
	return ""
}

func whyNotRun(m *model) string {
	b, ok := m.lesson.Block(lesson.RunBlock)
	switch {
	case m.busy != "":
		return m.busy
	case unpredicted(m) != "":
		return unpredicted(m)
	case !ok || b.Run == nil:
		return "this step has nothing to run"
	case b.Run.Running:
		return "it is running"
	}
	return b.Run.WhyNot
}

func whyNoHint(m *model) string {
	h := m.lesson.Hints()
	if h == nil {
		return "there is no hint here"
	}
	return h.WhyNot
}

func hintLabel(m *model) string {
	if h := m.lesson.Hints(); h != nil {
		return m.state.Sayf("hint (%d left)", h.Total-len(h.Opened))
	}
	return "hint"
}
