package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// input is one line of text being typed. The terminal's own cursor stands in it, so that nothing has to
// blink.
type input struct {
	text []rune
	at   int
}

func newInput(text string) input {
	runes := []rune(text)
	return input{text: runes, at: len(runes)}
}

func (in *input) String() string { return string(in.text) }

func (in *input) insert(text string) {
	add := []rune(clean(strings.ReplaceAll(text, "\n", " ")))
	rest := append([]rune{}, in.text[in.at:]...)
	in.text = append(append(in.text[:in.at], add...), rest...)
	in.at += len(add)
}

func (in *input) erase(from, to int) {
	in.text = append(in.text[:from], in.text[to:]...)
	in.at = from
}

// word is where the word before the cursor begins.
func (in *input) word() int {
	i := in.at
	for i > 0 && in.text[i-1] == ' ' {
		i--
	}
	for i > 0 && in.text[i-1] != ' ' {
		i--
	}
	return i
}

// key takes a key and tells whether it was one for a line of text.
func (in *input) key(k tea.KeyPressMsg) bool {
	switch k.String() {
	case "left", "ctrl+b":
		in.at = max(in.at-1, 0)
	case "right", "ctrl+f":
		in.at = min(in.at+1, len(in.text))
	case "home", "ctrl+a":
		in.at = 0
	case "end", "ctrl+e":
		in.at = len(in.text)
	case "backspace", "ctrl+h":
		if in.at > 0 {
			in.erase(in.at-1, in.at)
		}
	case "delete", "ctrl+d":
		if in.at < len(in.text) {
			in.erase(in.at, in.at+1)
		}
	case "ctrl+w", "alt+backspace":
		in.erase(in.word(), in.at)
	case "ctrl+u":
		in.erase(0, in.at)
	case "ctrl+k":
		in.text = in.text[:in.at]
	default:
		if k.Text == "" {
			return false
		}
		in.insert(k.Text)
	}
	return true
}

// view is the part of the text that fits w cells, and the cursor's cell in it.
func (in *input) view(w int) (text string, cursor int) {
	if w <= 0 {
		return "", 0
	}
	from := 0
	for width(string(in.text[from:in.at])) >= w {
		from++
	}
	text = string(in.text[from:])
	for width(text) > w {
		runes := []rune(text)
		text = string(runes[:len(runes)-1])
	}
	return text, width(string(in.text[from:in.at]))
}
