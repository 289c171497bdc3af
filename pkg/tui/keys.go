package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/style"
)

// binding is one line of the key table. It feeds behavior, key line and help.
type binding struct {
	keys []string
	// shown is the text for the keys; empty: the first key.
	shown string
	group string
	name  string // on the key line
	help  string
	// rank is the place on the key line; 0: not shown there.
	rank int
	// active reports whether the key has this meaning now; nil: always. Otherwise another line may have the key.
	active func(m *model) bool
	// inactiveReason is shown when the key has no meaning here: where it has one.
	inactiveReason string
	// disabled is why the key does not work now; empty if it does.
	disabled func(m *model) string
	// label is the name with its current state, for example "hint (2 left)".
	label func(m *model) string
	// command is the equivalent command line, without shopctl.
	command func(m *model) string
	do      func(m *model, key string) tea.Cmd
}

func (b *binding) key() string {
	if b.shown != "" {
		return b.shown
	}
	return b.keys[0]
}

func (b *binding) isActive(m *model) bool { return b.active == nil || b.active(m) }

func (b *binding) whyNot(m *model) string {
	switch {
	case !b.isActive(m):
		return b.inactiveReason
	case b.disabled != nil:
		return b.disabled(m)
	}
	return ""
}

func (b *binding) currentLabel(m *model) string {
	if b.label != nil {
		return m.state.Say(b.label(m))
	}
	return m.state.Say(b.name)
}

func (b *binding) commandLine(m *model) string {
	if b.command == nil {
		return ""
	}
	if args := b.command(m); args != "" {
		return m.state.Command(args)
	}
	return ""
}

// The groups of the help, in order.
const (
	groupLesson   = "Lesson"
	groupServices = "Services"
	groupObserve  = "Traces, metrics, alerts"
	groupCall     = "Calls and objects"
	groupMove     = "Move"
	groupScreen   = "Screen"
)

// table is all keys. If two lines have the same key, the first active one wins.
func table() []binding {
	return slices.Concat(questionKeys(), filterKeys(), panKeys(), lessonKeys(), serviceKeys(), observeKeys(), callKeys(), moveKeys(), screenKeys())
}

// lookup finds the meaning of a key now. ok is false if it has no meaning anywhere.
func (m *model) lookup(key string) (b *binding, ok bool) {
	var other *binding
	for i := range m.keys {
		b := &m.keys[i]
		if !slices.Contains(b.keys, key) {
			continue
		}
		if b.isActive(m) {
			return b, true
		}
		if other == nil || other.inactiveReason == "" {
			other = b
		}
	}
	return other, other != nil
}

// press performs a key, or shows why it does not work.
func (m *model) press(key string) tea.Cmd {
	b, ok := m.lookup(key)
	if !ok {
		return nil
	}
	return m.perform(b, key)
}

func (m *model) perform(b *binding, key string) tea.Cmd {
	if why := b.whyNot(m); why != "" {
		m.notify(m.state.Warn, b.key()+" "+m.state.Say(b.name)+": "+m.state.Say(why))
		return nil
	}
	if !b.isActive(m) {
		return nil
	}
	return b.do(m, key)
}

// order is the place on the key line: the keys of the pane in focus come first, and the lesson's after them while
// another pane has the focus.
func (m *model) order(b *binding) int {
	if b.group == groupLesson && m.focus != paneLesson {
		return b.rank + 20
	}
	return b.rank
}

// keyLine shows the keys that work now, as many as fit.
func (m *model) keyLine(width int) string {
	var all []*binding
	for i := range m.keys {
		if b := &m.keys[i]; b.rank > 0 && b.isActive(m) {
			all = append(all, b)
		}
	}
	slices.SortStableFunc(all, func(a, b *binding) int { return m.order(a) - m.order(b) })
	help := m.state.Accent.Paint("?") + " " + m.state.Say("help") + " "
	room := width - 1 - widthOf(help)
	var b strings.Builder
	b.WriteString(" ")
	used := 1
	for _, k := range all {
		text := k.key() + " " + k.currentLabel(m)
		if need := widthOf(text) + 2; used+need <= room {
			used += need
			if k.whyNot(m) != "" {
				b.WriteString(m.state.Faint.Paint(text) + "  ")
			} else {
				b.WriteString(m.state.Accent.Paint(k.key()) + " " + k.currentLabel(m) + "  ")
			}
		}
	}
	return m.state.Fit(b.String()+help, width)
}

func widthOf(text string) int { return style.Width(text) }
