package call

import (
	"bytes"
	"encoding/json"
)

// readable undoes the escapes of <, > and & that keep JSON safe inside of HTML: "Salt \u0026 Pepper" is
// meant for people here.
func readable(text string) json.RawMessage {
	var out bytes.Buffer
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		if end := i + len(`\u0026`); end <= len(text) {
			if plain, ok := unescaped(text[i:end]); ok {
				out.WriteByte(plain)
				i = end - 1
				continue
			}
		}
		out.WriteString(text[i : i+2]) // An escape that stays, with what it escapes: it may be a backslash.
		i++
	}
	return out.Bytes()
}

func unescaped(escape string) (byte, bool) {
	switch escape {
	case `\u0026`:
		return '&', true
	case `\u003c`:
		return '<', true
	case `\u003e`:
		return '>', true
	}
	return 0, false
}
