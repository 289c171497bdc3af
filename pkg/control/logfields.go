package control

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/shopctl/shopctl/pkg/logrecord"
)

// LogFields lists the members of a JSON log record that a LogLine has no field of its own for, in their
// order: `method=Charge code=INVALID_ARGUMENT`. It is empty for lines that are not JSON objects.
func LogFields(raw string) string {
	d := json.NewDecoder(strings.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	var out []string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return ""
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return ""
		}
		name, _ := key.(string)
		switch name {
		case "service", "instance", "version", "span_id":
			continue
		}
		if logrecord.Shown(name) {
			continue
		}
		out = append(out, name+"="+fieldText(value))
	}
	return strings.Join(out, " ")
}

func fieldText(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil && s != "" && !strings.ContainsAny(s, " \"=\n\t") {
		return s
	}
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return string(value)
	}
	return b.String()
}
