package apiserver

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// Golden is a recorded file: the version of Kubernetes, and the outcomes of a group of cases.
type Golden struct {
	Kubernetes string    `json:"kubernetes"`
	Cases      []Outcome `json:"cases"`
}

// Outcome is what the server answered to the last manifest of a case. Without a reason it accepted it.
type Outcome struct {
	Name     string   `json:"name"`
	Steps    []string `json:"steps"`
	Reason   string   `json:"reason,omitempty"`
	Causes   []Cause  `json:"causes,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// Object as it would be stored, in JSON, without what no two servers have alike.
	Object string `json:"object,omitempty"`
}

// Cause is one error: the field in the words of the server, empty where it names none.
type Cause struct {
	Field   string `json:"field,omitempty"`
	Type    string `json:"type,omitempty"`
	Message string `json:"message"`
}

// encode writes a recording as files have it.
func encode(g Golden) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(g)
	return out.Bytes(), err
}

// expand writes out what a recording abbreviates: "${x*1000}" are a thousand x.
func expand(manifest string) string {
	repeated := regexp.MustCompile(`\$\{(.)\*([0-9]+)\}`)
	return repeated.ReplaceAllStringFunc(manifest, func(text string) string {
		found := repeated.FindStringSubmatch(text)
		n, err := strconv.Atoi(found[2])
		if err != nil {
			return text
		}
		return strings.Repeat(found[1], n)
	})
}

// shortest is how many of one character are abbreviated.
const shortest = 40

// abbreviate undoes expand in texts of the server.
func abbreviate(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		n := 1
		for i+n < len(text) && text[i+n] == text[i] {
			n++
		}
		if n >= shortest {
			b.WriteString("${" + text[i:i+1] + "*" + strconv.Itoa(n) + "}")
		} else {
			b.WriteString(text[i : i+n])
		}
		i += n
	}
	return b.String()
}
