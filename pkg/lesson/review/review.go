// Package review repeats questions of lessons at growing intervals (spaced repetition): what is recalled
// with effort, shortly before it would be forgotten, is remembered longest.
//
// A question is due one day after its lesson, and then 3, 7, 16 and 35 days after each correct
// answer. A wrong answer restarts the series. Questions answered wrongly with confidence come
// first: people do not look up what they are sure of.
package review

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/lesson/progress"
)

// Days are the distances between two times that a question is asked.
func Days() []int { return []int{1, 3, 7, 16, 35} }

// Confidences that an answer is given with.
const (
	Guess = "guess"
	Sure  = "sure"
)

// New is a question that a lesson has just left.
func New(now time.Time) progress.Recall { return progress.Recall{Due: inDays(now, Days()[0])} }

// inDays is the beginning of a day: a question of Monday evening is due on Tuesday morning.
func inDays(now time.Time, days int) time.Time {
	year, month, day := now.Date()
	return time.Date(year, month, day+days, 0, 0, 0, 0, now.Location())
}

// After is the state of a question after an answer. A right guess proves nothing: it is asked again after
// the same distance.
func After(r progress.Recall, right bool, confidence string, now time.Time) progress.Recall {
	days := Days()
	r.Asked, r.Last, r.Confidence, r.Right = r.Asked+1, now, confidence, right
	switch {
	case !right:
		r.Stage = 0
	case confidence != Guess:
		r.Stage++
	}
	if r.Stage >= len(days) {
		r.Due = time.Time{}
		return r
	}
	r.Due = inDays(now, days[max(r.Stage, 0)])
	return r
}

// Item is a question of a lesson and its state.
type Item struct {
	Lesson   *format.Lesson
	Question format.Question
	Recall   progress.Recall
	// Surprised is set if the learner was sure and wrong: the last time, or, before the first time, in
	// the step that taught it.
	Surprised bool
}

// Due returns the questions that are due, in the order in which they are asked.
func Due(lessons []*format.Lesson, f *progress.File, now time.Time) []Item {
	return slices.DeleteFunc(items(lessons, f), func(i Item) bool { return i.Recall.Due.After(now) })
}

// Next is when the next question is due that is not due yet; zero if there is none.
func Next(lessons []*format.Lesson, f *progress.File, now time.Time) time.Time {
	var next time.Time
	for _, i := range items(lessons, f) {
		if due := i.Recall.Due; due.After(now) && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

// items are all questions that are still to be asked.
func items(lessons []*format.Lesson, f *progress.File) []Item {
	var all []Item
	for _, l := range lessons {
		rec := f.Lessons[l.ID]
		if rec == nil {
			continue
		}
		for i := range l.Steps {
			b := l.Steps[i].Block(format.RecallKind)
			if b == nil {
				continue
			}
			for _, q := range b.Recall {
				if r, ok := rec.Review[q.ID]; ok && !r.Due.IsZero() {
					all = append(all, Item{Lesson: l, Question: q, Recall: r, Surprised: surprised(r, rec.Steps[l.Steps[i].ID])})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Item) int {
		if a.Surprised != b.Surprised {
			return map[bool]int{true: -1, false: 1}[a.Surprised]
		}
		return cmp.Or(a.Recall.Due.Compare(b.Recall.Due), cmp.Compare(a.Lesson.ID, b.Lesson.ID))
	})
	return all
}

func surprised(r progress.Recall, s *progress.Step) bool {
	if r.Asked > 0 {
		return r.Confidence == Sure && !r.Right
	}
	return s != nil && s.Confidence == Sure && s.Predicted != nil && !*s.Predicted
}

// Judge reports whether an answer is right, and the right one.
func Judge(q format.Question, given string) (right bool, truth string) {
	a := &format.Answer{Kind: format.TextAnswer, Accept: q.Accept}
	if len(q.Options) > 0 {
		a.Kind, a.Options = format.OptionAnswer, q.Options
		for _, o := range q.Options {
			if o.Correct {
				truth = o.Say
			}
		}
	} else if len(q.Accept) > 0 {
		truth = q.Accept[0]
	}
	return check.Judge(a, given).Verdict == probe.Pass, truth
}

// Answer records an answer in the progress of its lesson.
func (i Item) Answer(f *progress.File, right bool, confidence string, now time.Time) progress.Recall {
	after := After(i.Recall, right, confidence, now)
	if rec := f.Lessons[i.Lesson.ID]; rec != nil && rec.Review != nil {
		rec.Review[i.Question.ID] = after
	}
	return after
}
