package iostreams

// Tone is the meaning of a color. State is always shown as a word as well.
type Tone string

const (
	ToneGood  Tone = "32"
	ToneWarn  Tone = "33"
	ToneBad   Tone = "31"
	ToneFaint Tone = "2"
	ToneBold  Tone = "1"
	ToneInfo  Tone = "36"
)

// Paint colors text for standard output, if it takes colors.
func (ios *IO) Paint(t Tone, text string) string {
	if !ios.Color || t == "" || text == "" {
		return text
	}
	return ios.Out.Sequence(string(t)+"m") + text + ios.Out.Sequence("0m")
}

// StateTone maps the state of a service or an instance to its color.
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

// StateSymbol is shown before the state's word.
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

// State formats a state for a table: symbol, word and color; only the word if accessible or not on a terminal.
func (ios *IO) State(state string) string {
	if ios.Accessible || !ios.OutTTY {
		return ios.Paint(StateTone(state), state)
	}
	return ios.Paint(StateTone(state), ios.StateSymbol(state)+" "+state)
}
