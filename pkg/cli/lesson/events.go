package lesson

import (
	"context"
	"errors"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/command"
)

// lessonEvent is one line of a lesson as JSON: the view after every change, and the result of each action.
type lessonEvent struct {
	Event  string       `json:"event"` // view, action
	View   *lesson.View `json:"view,omitempty"`
	Action string       `json:"action,omitempty"`
	Error  string       `json:"error,omitempty"`
}

// lessonEvents runs a lesson for a program: input lines are actions, as in scripts.
func lessonEvents(ctx context.Context, ios *iostreams.IO, s *lesson.Session) error {
	lines := readLines(ctx, ios)
	if err := printSession(ios, s); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.Changes():
			if err := printSession(ios, s); err != nil {
				return err
			}
		case line, ok := <-lines:
			if !ok {
				return nil
			}
			event := lessonEvent{Event: "action", Action: line}
			err := lessonAction(ctx, s, line)
			if errors.Is(err, errLeave) {
				continue // an empty line
			}
			if err != nil {
				event.Error = err.Error()
			}
			if err := ios.PrintLine(event); err != nil {
				return err
			}
			if err := printSession(ios, s); err != nil || s.Snapshot().Done {
				return err
			}
		}
	}
}

func printSession(ios *iostreams.IO, s *lesson.Session) error {
	v := s.Snapshot()
	return ios.PrintLine(lessonEvent{Event: "view", View: &v})
}

func lessonAction(ctx context.Context, s *lesson.Session, line string) error {
	words, err := command.Split(line)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return errLeave
	}
	a, err := lesson.ParseAction(words)
	if err != nil {
		return err
	}
	return s.Do(ctx, nil, a)
}
