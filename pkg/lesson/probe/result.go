package probe

// Verdict is the outcome of a probe, and of the check that asks it, at one moment.
type Verdict string

// Verdicts. Pending is a check that has not been evaluated yet, or whose needs do not hold.
const (
	Pending      Verdict = "pending"
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive" // too few samples, or the service is not reachable
	BrokenSetup  Verdict = "broken_setup" // only a reset helps
)

// Result is what was found.
type Result struct {
	Verdict  Verdict
	Expected string
	Observed string
	// Look is a command that shows the same: the trace or metric that decided, where there is one.
	Look string
	// Message is the lesson's text for this state, from the check.
	Message string
	// Evidence is what the verdict is based on, for a screen to open.
	Evidence Evidence
}

// verdict is that of a condition which holds or does not.
func verdict(holds bool) Verdict {
	if holds {
		return Pass
	}
	return Fail
}
