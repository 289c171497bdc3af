package workload

import "testing"

func TestAnExitIsDescribedByWhatEndedTheContainer(t *testing.T) {
	for want, e := range map[string]Exit{
		"exited with code 0":                                 {},
		"exited with code 3: no config":                      {Code: 3, Message: "no config"},
		"killed (SIGKILL)":                                   {Code: 137, Signal: 9},
		"ended by SIGSEGV":                                   {Code: 139, Signal: 11},
		"ended by signal 64":                                 {Code: 192, Signal: 64},
		"killed for its use of memory (OOMKilled): it had 2": {Code: 137, Signal: sigkill, Reason: OOMKilled, Message: "it had 2"},
		"did not start: no such file":                        {Code: startErrorCode, Reason: StartError, Message: "no such file"},
	} {
		if got := describeExit(e); got != want {
			t.Errorf("%+v: %q, want %q", e, got, want)
		}
	}
}
