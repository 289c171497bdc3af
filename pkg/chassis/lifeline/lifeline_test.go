package lifeline_test

import (
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

func TestALineThatIsNotAMessageIsSkipped(t *testing.T) {
	text := `{"faults":[{"id":"one"}]}` + "\n" + `{"endpoints":{"127.0.0.1:4100` + "\n\n" + `{"faults":[{"id":"two"}]}` + "\n" + `{"faults":[{"id":"th`
	var ids []string
	err := lifeline.Read(strings.NewReader(text), func(m lifeline.Down) { ids = append(ids, (*m.Faults)[0].ID) })
	if got := strings.Join(ids, " "); err != nil || got != "one two" {
		t.Errorf("messages %s, error %v; want one and two, and the end of the pipe", got, err)
	}
}
