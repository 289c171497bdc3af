package iostreams_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

func TestATableTakesLessRoomBetweenItsColumnsBeforeItIsTooWide(t *testing.T) {
	for columns, want := range map[int]string{
		0:  "NAME      STATE   P95\npayment   ok      12ms\n",
		40: "NAME      STATE   P95\npayment   ok      12ms\n",
		20: "NAME     STATE  P95\npayment  ok     12ms\n",
		10: "NAME    STATE P95\npayment ok    12ms\n",
	} {
		var out bytes.Buffer
		ios := iostreams.New(nil, &out, io.Discard)
		ios.LayoutWidth = columns
		err := ios.Print("", nil, func(w io.Writer) {
			table := iostreams.NewTable("NAME", "STATE", "P95")
			table.Row("payment", "ok", "12ms")
			table.Write(w)
		})
		if got := out.String(); err != nil || got != want {
			t.Errorf("in %d columns:\n%swant:\n%s(%v)", columns, got, want, err)
		}
	}
}
