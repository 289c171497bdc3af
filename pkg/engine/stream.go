package engine

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// message is one of those that an engine sends while it works: {"stream":"Loaded image: ..."} or {"error":"..."}.
type message struct {
	Stream string `json:"stream"`
	Error  string `json:"error"`
}

// readStream reads messages to the end: their texts, or the first error.
func readStream(r io.Reader) (string, error) {
	var told strings.Builder
	for dec := json.NewDecoder(r); ; {
		var m message
		switch err := dec.Decode(&m); {
		case errors.Is(err, io.EOF):
			return told.String(), nil
		case err != nil:
			return "", err
		case m.Error != "":
			return "", errors.New(m.Error)
		}
		told.WriteString(m.Stream)
	}
}
