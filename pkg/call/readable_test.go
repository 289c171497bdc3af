package call

import (
	"encoding/json"
	"testing"
)

func TestJSONIsReadableAndMeansTheSame(t *testing.T) {
	for text, want := range map[string]string{
		`"Salt \u0026 Pepper"`: `"Salt & Pepper"`,
		`"\u003cb\u003e"`:      `"<b>"`,
		`"\\u0026 stays"`:      `"\\u0026 stays"`,
		`"\\\u0026"`:           `"\\&"`,
		`"\n\"\u00e4"`:         `"\n\"\u00e4"`,
		`{}`:                   `{}`,
		`"\u002`:               `"\u002`,
		`\`:                    `\`,
	} {
		if got := string(readable(text)); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

func FuzzReadable(f *testing.F) {
	f.Add("Salt & <Pepper> \\u0026 \\")
	f.Fuzz(func(t *testing.T, text string) {
		escaped, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var before, after string
		if err := json.Unmarshal(escaped, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(readable(string(escaped)), &after); err != nil || before != after {
			t.Errorf("%q became %q, %v", before, after, err)
		}
	})
}
