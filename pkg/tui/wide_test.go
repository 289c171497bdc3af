package tui

import (
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

// settledTexts are as wide by clusters as by code points once they are drawn; markedTexts are not.
var (
	settledTexts = []string{"ｶﾞｷﾞ ﾊﾟｽ ｶﾀｶﾅ", "支払いサービス 辻󠄀", "👍🏽 👩‍👩‍👧 🇯🇵 ❤️ ☎️ 1️⃣ ⚠️", "ไทยก็", "e\u0301 한글 각"}
	markedTexts  = []string{"हिन्दी में लिखा", "தமிழ் எழுத்து", "น้ำ"}
)

// hard is a screen whose panes hold texts: the lesson, the output, a notice.
func hard(t *testing.T, texts []string) *screen {
	v := answering()
	for i := range v.Step.Blocks {
		v.Step.Blocks[i].Markdown += "\n\n" + texts[i%len(texts)]
	}
	v.Step.Title = texts[0]
	s, _ := lessonOn(t, Config{}, v, tuitest.Status())
	for _, text := range texts {
		s.output.Add(feed.TextEntry(text), feed.CommandEntry("shopctl call cart GetCart "+text))
	}
	s.press("6")
	s.notify(s.state.Bad, texts[len(texts)-1])
	return s
}

func TestTheFrameStandsWhateverTheTextIsWrittenIn(t *testing.T) {
	t.Cleanup(func() { cells.Graphemes(false) })
	modes := map[ansi.Method]ansi.ModeSetting{ansi.WcWidth: ansi.ModeNotRecognized, ansi.GraphemeWidth: ansi.ModeReset}
	for method, setting := range modes {
		for name, c := range map[string]struct {
			texts   []string
			methods []ansi.Method
		}{"settled": {settledTexts, []ansi.Method{ansi.WcWidth, ansi.GraphemeWidth}}, "marked": {markedTexts, []ansi.Method{method}}} {
			s := hard(t, c.texts)
			s.send(tea.ModeReportMsg{Mode: ansi.ModeUnicodeCore, Value: setting})
			for _, size := range [][2]int{{120, 30}, {80, 24}, {50, 15}} {
				s.size(size[0], size[1])
				lines, _ := s.draw()
				for i, line := range lines {
					for _, by := range c.methods {
						if got := by.StringWidth(line); got != size[0] {
							t.Errorf("%s text, mode 2027 %d, %v: line %d is %d cells wide by method %d: %q", name, setting, size, i, got, by, line)
						}
					}
				}
			}
		}
	}
}
