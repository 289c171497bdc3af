package cli

// tone is the meaning of a colour. State is always a word too.
type tone string

const (
	toneGood  tone = "32"
	toneWarn  tone = "33"
	toneBad   tone = "31"
	toneFaint tone = "2"
	toneBold  tone = "1"
	toneInfo  tone = "36"
)

// paint colours text for standard output, if that takes colours.
func (ios *IO) paint(t tone, text string) string {
	if !ios.Color || t == "" || text == "" {
		return text
	}
	return "\x1b[" + string(t) + "m" + text + "\x1b[0m"
}

// stateTone maps the state of a service or an instance to its colour.
func stateTone(state string) tone {
	switch state {
	case "ok", "ready":
		return toneGood
	case "starting", "updating", "degraded", "paused", "stopping", "unready":
		return toneWarn
	case "unhealthy", "crashloop", "backoff", "exited":
		return toneBad
	default:
		return toneFaint
	}
}

// stateSymbol goes with the state's word, so that a glance suffices.
func (ios *IO) stateSymbol(state string) string {
	unicode, ascii := "●", "*"
	switch stateTone(state) {
	case toneWarn:
		unicode, ascii = "▲", "!"
	case toneBad:
		unicode, ascii = "✗", "x"
	case toneFaint:
		unicode, ascii = "○", "-"
	}
	if ios.ASCII {
		return ascii
	}
	return unicode
}

// state is the state as a table shows it: symbol, word, colour; the word alone when accessible or piped.
func (ios *IO) state(state string) string {
	if ios.Accessible || !ios.OutTTY {
		return ios.paint(stateTone(state), state)
	}
	return ios.paint(stateTone(state), ios.stateSymbol(state)+" "+state)
}
