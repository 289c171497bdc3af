// Package words has the screen's own words in the language of the lesson. Texts of the lesson, of the shop and of its users
// are not among them.
package words

import (
	"fmt"
	"strings"
)

// Language says the screen's words; the zero value says them in English.
type Language struct {
	// whole has texts by the English ones. leads has beginnings of texts that end in something else, such as a name.
	whole map[string]string
	leads [][2]string
}

// In is a language by its code, such as "ja"; English for those that the screen does not speak.
func In(code string) Language {
	if code == "ja" {
		return japanese()
	}
	return Language{}
}

// Say is an English text in the language; the text itself where the table lacks it.
func (l Language) Say(text string) string {
	if said, ok := l.whole[text]; ok {
		return said
	}
	for _, lead := range l.leads {
		if rest, ok := strings.CutPrefix(text, lead[0]); ok {
			return lead[1] + l.Say(rest)
		}
	}
	return text
}

// Sayf is Say for a format, filled in afterwards. Arguments keep their order.
func (l Language) Sayf(format string, args ...any) string { return fmt.Sprintf(l.Say(format), args...) }

// Has reports whether the table has an English text.
func (l Language) Has(text string) bool { return l.Say(text) != text }

// Texts are the texts of a language by the English ones.
func Texts(code string) map[string]string { return In(code).whole }
