package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed words.yaml
var listFile []byte

// list is words.yaml.
type list struct {
	// Wordings are whole words, found in any case and across line ends.
	Wordings []wording
	// Spelling maps British spellings to American ones. They are found inside words and identifiers as well.
	Spelling map[string]string
	// Exempt are the places where a wording stays.
	Exempt []exemption
}

type wording struct {
	Refuse string
	Use    string
	// Unless lists longer phrases in which the wording is good English.
	Unless []string
	// In limits the wording to kinds of text; everywhere without it.
	In []kind
}

type exemption struct {
	// Path is a file, or a directory with a slash at its end.
	Path string
	// Phrases that may stay there; all without any.
	Phrases []string
	Reason  string
}

// rule is a wording or a spelling, ready to be searched for.
type rule struct {
	refused, use string
	pattern      *regexp.Regexp
	unless       []*regexp.Regexp
	in           []kind
	identifiers  bool
}

func readList(content []byte) (list, error) {
	var l list
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&l); err != nil {
		return list{}, fmt.Errorf("read words.yaml: %w", err)
	}
	for _, w := range l.Wordings {
		if w.Refuse == "" || w.Use == "" {
			return list{}, fmt.Errorf("read words.yaml: %q needs refuse and use", w.Refuse+w.Use)
		}
	}
	for _, e := range l.Exempt {
		if e.Path == "" || e.Reason == "" {
			return list{}, fmt.Errorf("read words.yaml: the exemption of %q needs a path and a reason", e.Path)
		}
	}
	return l, nil
}

func (l list) rules() []rule {
	var rules []rule
	for _, w := range l.Wordings {
		r := rule{refused: w.Refuse, use: w.Use, pattern: words(w.Refuse), in: w.In}
		for _, u := range w.Unless {
			r.unless = append(r.unless, words(u))
		}
		rules = append(rules, r)
	}
	for british, american := range l.Spelling {
		pattern := regexp.MustCompile(`(?i)` + regexp.QuoteMeta(british))
		rules = append(rules, rule{refused: british, use: "spell it " + american, pattern: pattern, identifiers: true})
	}
	return rules
}

// words matches a phrase as whole words, whatever white space is between them.
func words(phrase string) *regexp.Regexp {
	fields := strings.Fields(phrase)
	for i, f := range fields {
		fields[i] = regexp.QuoteMeta(f)
	}
	return regexp.MustCompile(`(?i)(?:^|[^\pL\pN_-])(` + strings.Join(fields, `\s+`) + `)(?:$|[^\pL\pN_-])`)
}

// find returns where r occurs in text: start and end of each occurrence.
func (r rule) find(text string) [][2]int {
	var found [][2]int
	for at := 0; at < len(text); {
		m := r.pattern.FindStringSubmatchIndex(text[at:])
		if m == nil {
			break
		}
		start, end := at+m[len(m)-2], at+m[len(m)-1]
		at = end
		if r.identifiers && strings.ToUpper(text[start:end]) == text[start:end] {
			continue // CANCELLED is the name of a gRPC code
		}
		if !r.excused(text, start, end) {
			found = append(found, [2]int{start, end})
		}
	}
	return found
}

// excused reports whether the occurrence is part of a phrase that is good English.
func (r rule) excused(text string, start, end int) bool {
	return slices.ContainsFunc(r.unless, func(u *regexp.Regexp) bool {
		for _, m := range u.FindAllStringSubmatchIndex(text, -1) {
			if m[2] < end && start < m[3] {
				return true
			}
		}
		return false
	})
}

// exempts reports whether a wording may stay in a file.
func (l list) exempts(path, phrase string) bool {
	return slices.ContainsFunc(l.Exempt, func(e exemption) bool {
		in := path == e.Path || strings.HasSuffix(e.Path, "/") && strings.HasPrefix(path, e.Path)
		return in && (len(e.Phrases) == 0 || slices.Contains(e.Phrases, phrase))
	})
}
