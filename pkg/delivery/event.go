package delivery

import "fmt"

// Event is something that happened to a canary.
type Event struct {
	Reason, Service, Message string
	Warning                  bool
}

// told is the event of a change.
func told(before, after Canary) Event {
	e := Event{Service: after.Service, Message: after.From + " -> " + after.To}
	switch after.Phase {
	case Starting:
		e.Reason = "CanaryStarting"
		if after.Step > 0 {
			e.Reason, e.Message = "CanaryResumed", fmt.Sprintf("%s -> %s at %d%%", after.From, after.To, after.Weight())
		}
	case Running:
		e.Reason, e.Message = "CanaryStep", fmt.Sprintf("step %d of %d: %s gets %d%%", after.Step, len(after.Steps), after.To, after.Weight())
	case Paused:
		e.Reason, e.Message, e.Warning = "CanaryPaused", fmt.Sprintf("%s stays at %d%%: %s", after.To, before.Weight(), after.Reason), true
	case Promoted:
		e.Reason, e.Message = "CanaryPromoted", fmt.Sprintf("%s gets every call: %s", after.To, after.Reason)
	case RolledBack:
		e.Reason, e.Message, e.Warning = "CanaryRolledBack", fmt.Sprintf("%s gets every call again: %s", after.From, after.Reason), true
	case Aborted:
		e.Reason, e.Message = "CanaryAborted", fmt.Sprintf("%s gets every call again: %s", after.From, after.Reason)
	}
	return e
}
