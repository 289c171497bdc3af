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
	want := `{"timestamp":"2026-01-02T03:04:05Z","severity":"info","message":"plain text"}` + "\n" + `2026-01-02T03:04:05Z {"message":"record"}` + "\n"
	if out.String() != want {
		t.Errorf("got  %s\nwant %s", out.String(), want)
	}
}

func TestARecordWhoseTimeCannotBeRightIsStamped(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for line, want := range map[string]string{
		`{"timestamp":"2026-01-02T03:04:00Z","severity":"info"}`: "", `{"level":30,"time":1767323040000,"msg":"x"}`: "",
		`{"timestamp":"1970-01-01T00:00:00Z","msg":"x"}`: "2026-01-02T03:04:05Z ", `{"ts":"03:04"}`: "2026-01-02T03:04:05Z ", `{}`: "2026-01-02T03:04:05Z ",
	} {
		var out bytes.Buffer
		if err := copyLines(&out, strings.NewReader(line), func() time.Time { return at }); err != nil || out.String() != want+line+"\n" {
			t.Errorf("%s became %s, %v", line, out.String(), err)
		}
	}
}

func TestTheEndOfAProgramIsAnError(t *testing.T) {
	var out bytes.Buffer
	if err := copyLines(&out, strings.NewReader("\x1b[31mpanic: x\x1b[0m\nW1129 20:00:00.123456 1 a.go:1] x"), time.Now); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Count(text, `"severity":"error"`) != 1 || strings.Count(text, `"severity":"warn"`) != 1 {
		t.Errorf("got %s", text)
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
