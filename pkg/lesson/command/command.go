// Package command reads the lines of a lesson's run block: shopctl verbs with words quoted as in a
// shell, and nothing else. They never reach a shell, so a lesson from elsewhere can do no more than
// shopctl.
package command

import (
	"errors"
	"fmt"
	"strings"
)

// Line is one command of a run block.
type Line struct {
	// Text is the command as written, continuation lines joined.
	Text string
	// Args are the words after "shopctl".
	Args []string
	// Into are those of a second command that reads what the first one prints; nil where there is none.
	Into []string
	// Number is the line in the text that was parsed, from 1; of a lesson's block, in its file.
	Number int
}

// Error is a line that is not a shopctl command.
type Error struct {
	Line, Column int // from 1, within the text that was parsed
	Text         string
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Text) }

// Parse reads all lines of a run block. Empty lines and comments are left out; a backslash at the
// end joins a line with the next.
func Parse(text string) ([]Line, error) {
	var lines []Line
	src := strings.Split(text, "\n")
	for i := 0; i < len(src); i++ {
		number := i + 1
		joined := src[i]
		for strings.HasSuffix(joined, `\`) && i+1 < len(src) {
			if _, err := Split(strings.TrimSuffix(joined, `\`)); err != nil {
				return nil, &Error{Line: i + 1, Column: len(src[i]), Text: "a line is not continued inside quotes"}
			}
			i++
			joined = strings.TrimSuffix(joined, `\`) + " " + strings.TrimLeft(src[i], " \t")
		}
		trimmed := strings.TrimSpace(joined)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		line, err := parseLine(trimmed)
		if err != nil {
			var at *Error
			if !errors.As(err, &at) {
				at = &Error{Column: 1, Text: err.Error()}
			}
			at.Line = number
			return nil, at
		}
		line.Number = number
		lines = append(lines, line)
	}
	return lines, nil
}

// parseLine reads one command, or two with a pipe between them. A pipe needs a shell where it is pasted, and none
// here: both its ends are shopctl.
func parseLine(text string) (Line, error) {
	s := splitter{in: text, pipe: true}
	commands, err := s.split()
	if err != nil {
		return Line{}, err
	}
	for _, words := range commands {
		if err := Allowed(words); err != nil {
			return Line{}, err
		}
	}
	line := Line{Text: text, Args: commands[0][1:]}
	if len(commands) > 1 {
		line.Into = commands[1][1:]
	}
	return line, nil
}

// notInLessons are verbs that start, end or steer the shop or a screen: an experiment needs none.
// Export writes files anywhere, edit opens an editor, and port-forward ends when it is interrupted.
var notInLessons = [...]string{"daemon", "edit", "export", "port-forward", "service", "sidecar", "dash", "lesson", "up", "down", "completion", "doctor"}

// Allowed returns nil for a command that a lesson can run. The verb comes first, so that no flag hides it.
func Allowed(words []string) error {
	if words[0] != "shopctl" {
		return fmt.Errorf("run %q: only shopctl commands can be run", words[0])
	}
	if len(words) == 1 {
		return errors.New("run shopctl: the verb is missing")
	}
	if strings.HasPrefix(words[1], "-") {
		return fmt.Errorf("run shopctl %s: in a lesson, flags follow the verb", words[1])
	}
	for _, verb := range notInLessons {
		if words[1] == verb {
			return fmt.Errorf("run shopctl %s: a lesson cannot run this verb", verb)
		}
	}
	return nil
}

// Split cuts a line into words as a POSIX shell does: quotes, backslashes, comments. What would need
// a shell to act (pipes, redirections, variables, substitution, patterns) is an error, because the
// line would then mean something else when it is pasted.
func Split(line string) ([]string, error) {
	s := splitter{in: line}
	commands, err := s.split()
	if err != nil {
		return nil, err
	}
	return commands[0], nil
}

type splitter struct {
	pipe  bool // one pipe may stand between two commands
	left  []string
	in    string
	pos   int
	word  strings.Builder
	open  bool // a word has begun, perhaps an empty quoted one
	words []string
}

// split returns the words of the command, or of both of them.
func (s *splitter) split() ([][]string, error) {
	for s.pos < len(s.in) {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	s.flush()
	switch {
	case s.left == nil:
		return [][]string{s.words}, nil
	case len(s.words) == 0:
		return nil, s.fail("there is no command after the pipe")
	}
	return [][]string{s.left, s.words}, nil
}

func (s *splitter) step() error {
	c := s.in[s.pos]
	switch {
	case c == '|' && s.pipe:
		return s.half()
	case c == ' ' || c == '\t':
		s.flush()
		s.pos++
	case c == '#' && !s.open:
		s.pos = len(s.in)
	case c == '\'':
		return s.single()
	case c == '"':
		return s.double()
	case c == '\\':
		if s.pos+1 == len(s.in) {
			return s.fail("nothing follows the backslash")
		}
		s.take(s.in[s.pos+1])
		s.pos += 2
	case strings.IndexByte("|&;<>()$`*?[]", c) >= 0:
		return s.fail(fmt.Sprintf("%q needs a shell; quote it", string(c)))
	case c == '\n' || c == 0:
		return s.fail("a command is one line of text")
	default:
		s.take(c)
		s.pos++
	}
	return nil
}

// half ends the command before a pipe.
func (s *splitter) half() error {
	s.flush()
	switch {
	case s.left != nil:
		return s.fail("only one pipe is allowed")
	case len(s.words) == 0:
		return s.fail("there is no command before the pipe")
	}
	s.left, s.words = s.words, nil
	s.pos++
	return nil
}

func (s *splitter) single() error {
	end := strings.IndexByte(s.in[s.pos+1:], '\'')
	if end < 0 {
		return s.fail("this quote is not closed")
	}
	s.open = true
	s.word.WriteString(s.in[s.pos+1 : s.pos+1+end])
	s.pos += end + 2
	return nil
}

func (s *splitter) double() error {
	start := s.pos
	s.open = true
	for s.pos++; s.pos < len(s.in); s.pos++ {
		switch c := s.in[s.pos]; c {
		case '"':
			s.pos++
			return nil
		case '$', '`':
			return s.fail(fmt.Sprintf("%q needs a shell; use single quotes", string(c)))
		case '\\':
			if s.pos+1 < len(s.in) && strings.IndexByte("\\\"$`", s.in[s.pos+1]) >= 0 {
				s.pos++
				c = s.in[s.pos]
			}
			s.word.WriteByte(c)
		default:
			s.word.WriteByte(c)
		}
	}
	s.pos = start
	return s.fail("this quote is not closed")
}

func (s *splitter) take(c byte) {
	s.open = true
	s.word.WriteByte(c)
}

func (s *splitter) flush() {
	if s.open {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.open = false
}

func (s *splitter) fail(text string) error {
	return &Error{Line: 1, Column: s.pos + 1, Text: text}
}
