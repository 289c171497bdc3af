package process

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestAServiceHasTimerSlackAndACommandHasNone(t *testing.T) {
	service, _ := start(t, newDriver(), echo())
	other, _ := start(t, newDriver(), command("sleep", "60"))
	if got, want := slackOf(t, service), strconv.FormatInt(timerSlack.Nanoseconds(), 10); got != want {
		t.Errorf("the slack of a service is %s ns, want %s", got, want)
	}
	own, err := os.ReadFile("/proc/self/timerslack_ns")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := slackOf(t, other), strings.TrimSpace(string(own)); got != want {
		t.Errorf("the slack of a command is %s ns, want the test's own, %s", got, want)
	}
}

// slackOf is the timer slack of a container's process, in nanoseconds.
func slackOf(t *testing.T, c *container) string {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(c.pgid) + "/timerslack_ns")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
