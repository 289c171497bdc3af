package iostreams

// Tone is the meaning of a colour. State is always a word too.
type Tone string

const (
	ToneGood  Tone = "32"
	ToneWarn  Tone = "33"
	ToneBad   Tone = "31"
	ToneFaint Tone = "2"
	ToneBold  Tone = "1"
	ToneInfo  Tone = "36"
)

// Paint colours text for standard output, if that takes colours.
func (ios *IO) Paint(t Tone, text string) string {
	if !ios.Color || t == "" || text == "" {
		return text
	}
	return "\x1b[" + string(t) + "m" + text + "\x1b[0m"
}

// StateTone maps the state of a service or an instance to its colour.
func StateTone(state string) Tone {
	switch state {
	case "ok", "ready":
		return ToneGood
	case "starting", "updating", "degraded", "paused", "stopping", "unready":
		return ToneWarn
	case "unhealthy", "crashloop", "backoff", "exited":
		return ToneBad
	default:
		return ToneFaint
	}
}

// StateSymbol goes with the state's word, so that a glance suffices.
func (ios *IO) StateSymbol(state string) string {
	unicode, ascii := "●", "*"
	switch StateTone(state) {
	case ToneWarn:
		unicode, ascii = "▲", "!"
	case ToneBad:
		unicode, ascii = "✗", "x"
	case ToneFaint:
		unicode, ascii = "○", "-"
	}
	if ios.ASCII {
		return ascii
	}
	return unicode
}

// State is the state as a table shows it: symbol, word, colour; the word alone when accessible or piped.
func (ios *IO) State(state string) string {
	if ios.Accessible || !ios.OutTTY {
		return ios.Paint(StateTone(state), state)
	}
	return ios.Paint(StateTone(state), ios.StateSymbol(state)+" "+state)
}
