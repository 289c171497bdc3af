package rundir

import (
	"os"
	"testing"
)

func TestTheLogOfACrashedDaemonIsKeptAndItsCauseFound(t *testing.T) {
	d := Dir{State: t.TempDir()}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(d.DaemonLog(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.KeepDaemonLog(); err != nil {
		t.Fatalf("without a log: %v", err)
	}
	write(`{"msg":"panic: not one"}` + "\npanic: assignment to entry in nil map\n\ngoroutine 1 [running]:\n")
	want := "panic: assignment to entry in nil map"
	if got := Crash(d.DaemonLog()); got != want {
		t.Errorf("crash %q, want %q", got, want)
	}
	if err := d.KeepDaemonLog(); err != nil {
		t.Fatal(err)
	}
	write("") // a start that logged nothing
	if err := d.KeepDaemonLog(); err != nil {
		t.Fatal(err)
	}
	if got := Crash(d.PreviousDaemonLog()); got != want {
		t.Errorf("crash of the last daemon %q, want %q", got, want)
	}
	write(`{"msg":"well"}`)
	if got := Crash(d.DaemonLog()); got != "" {
		t.Errorf("crash %q of a daemon that did not", got)
	}
}
