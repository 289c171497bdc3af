package workload

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestALineThatIsNotJSONBecomesARecord(t *testing.T) {
	var out bytes.Buffer
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := copyLines(&out, strings.NewReader("plain text\n{\"message\":\"record\"}\n"), func() time.Time { return at }); err != nil {
		t.Fatal(err)
	}
	want := `{"timestamp":"2026-01-02T03:04:05Z","severity":"info","message":"plain text"}` + "\n" + `{"message":"record"}` + "\n"
	if out.String() != want {
		t.Errorf("got  %s\nwant %s", out.String(), want)
	}
}

func TestAnOverlongLineIsCutAndNotLost(t *testing.T) {
	var out bytes.Buffer
	if err := copyLines(&out, strings.NewReader(strings.Repeat("#", 3*maxLine)+"\n{\"message\":\"whole\"}\n"), time.Now); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "#"); n != 3*maxLine {
		t.Errorf("%d bytes of the long line arrived, want %d", n, 3*maxLine)
	}
	if !strings.HasSuffix(out.String(), "{\"message\":\"whole\"}\n") {
		t.Error("the line after it was changed")
	}
}
