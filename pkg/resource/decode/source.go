package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/resource"
)

// readable returns the text of a file in UTF-8 without byte order mark, or what keeps it from being text.
func readable(file string, content []byte) ([]byte, *resource.Problem) {
	if len(content) > maxBytes {
		return nil, &resource.Problem{File: file, Line: 1, Column: 1, Message: fmt.Sprintf("too large: %.1f MiB, at most %d MiB are read", float64(len(content))/(1<<20), maxBytes>>20)}
	}
	content = withoutMarks(fromUTF16(content))
	if first := bytes.TrimLeft(content, " \t\r\n"); len(first) > 0 && first[0] == '{' {
		content = fromJSON(content)
	}
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		var message string
		switch {
		case r == utf8.RuneError && size == 1:
			message = fmt.Sprintf("byte 0x%02x is not valid UTF-8", content[i])
		case !printable(r):
			message = fmt.Sprintf("control character %U is not allowed", r)
		}
		if message != "" {
			line, column := position(content, i)
			return nil, &resource.Problem{File: file, Line: line, Column: column, Message: message}
		}
		i += size
	}
	return content, nil
}

// withoutMarks drops byte order marks at the beginning of documents, where joined files have them.
func withoutMarks(content []byte) []byte {
	const mark = "\ufeff"
	content = bytes.TrimPrefix(content, []byte(mark))
	if !bytes.Contains(content, []byte(mark)) {
		return content
	}
	begun := regexp.MustCompile("(?m)(^---[^\n]*\n)" + mark)
	return begun.ReplaceAll(content, []byte("$1"))
}

// printable are the characters that YAML allows (YAML 1.1, section 5.1).
func printable(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r' || r == 0x85:
		return true
	case r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0xfffe || r == 0xffff:
		return false
	}
	return true
}

// fromUTF16 turns what some editors and shells write into UTF-8.
func fromUTF16(content []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(content, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(content, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return content
	}
	units := make([]uint16, 0, len(content)/2)
	for i := 0; i+1 < len(content); i += 2 {
		units = append(units, order.Uint16(content[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// fromJSON spells as YAML does what JSON spells otherwise: pairs of \u escapes for characters beyond 16 bits, and
// characters that JSON takes as they are and YAML for line breaks or for nothing.
func fromJSON(content []byte) []byte {
	pair := regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
	content = pair.ReplaceAllFunc(content, func(escape []byte) []byte {
		var high, low rune
		if _, err := fmt.Sscanf(string(escape), `\u%04x\u%04x`, &high, &low); err != nil {
			return escape
		}
		return fmt.Appendf(nil, `\U%08x`, utf16.DecodeRune(high, low))
	})
	special := regexp.MustCompile(`[\x{7f}-\x{9f}\x{2028}\x{2029}\x{feff}\x{fffe}\x{ffff}]`)
	return special.ReplaceAllFunc(content, func(c []byte) []byte {
		r, _ := utf8.DecodeRune(c)
		return fmt.Appendf(nil, `\u%04x`, r)
	})
}

// position counts lines and columns from 1, columns in characters.
func position(text []byte, offset int) (line, column int) {
	before := text[:offset]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
}

// syntaxProblem finds the place of an error of the YAML parser, which reports the line only roughly.
func syntaxProblem(file string, text []byte, err error) resource.Problem {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	var line int
	if _, scanErr := fmt.Sscanf(message, "line %d:", &line); scanErr == nil {
		_, message, _ = strings.Cut(message, ": ")
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	if found := badLine(lines); found > 0 {
		line = found
	}
	line = min(max(line, 1), len(lines))
	column := 1
	bad := lines[line-1]
	indent := len(bad) - len(bytes.TrimLeft(bad, " \t"))
	if tab := bytes.IndexByte(bad[:indent], '\t'); tab >= 0 {
		column = tab + 1
		message = "indentation with a tab; YAML requires spaces"
	} else if indent < len(bytes.TrimRight(bad, "\r\n")) {
		column = indent + 1
	}
	return resource.Problem{File: file, Line: line, Column: column, Message: "not valid YAML: " + message}
}

const (
	// maxSearchBytes bounds what is parsed to find a place; beyond it, the parser's own line has to do.
	maxSearchBytes = 1 << 20
	// maxOpen is how many lines a bracket or a quote is expected to stay open.
	maxOpen = 40
)

// badLine finds the first line at which a text stops being YAML: the one after the longest beginning that is
// valid. For a bracket or quote that is never closed, that is the line where it opens. 0 if not found.
func badLine(lines [][]byte) int {
	size := 0
	ends := make([]int, len(lines)+1)
	for i, l := range lines {
		size += len(l)
		ends[i+1] = size
	}
	text := bytes.Join(lines, nil)
	left := maxSearchBytes
	valid := func(n int) bool {
		left -= ends[n]
		return left > 0 && parses(text[:ends[n]])
	}
	good, bad := 0, len(lines)
	for {
		for bad-good > 1 {
			if middle := (good + bad) / 2; valid(middle) {
				good = middle
			} else {
				bad = middle
			}
		}
		// Perhaps it is only open: then a longer beginning is valid again.
		longer := 0
		for n := bad + 1; n < min(len(lines), bad+maxOpen) && longer == 0; n++ {
			if valid(n) {
				longer = n
			}
		}
		switch {
		case left <= 0:
			return 0
		case longer == 0:
			return bad
		}
		good, bad = longer, len(lines)
	}
}

func parses(text []byte) bool {
	documents := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		if err := documents.Decode(&n); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}
