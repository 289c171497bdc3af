// Package lesson runs lessons. A lesson is an experiment on the running shop: the learner predicts, runs, observes,
// explains and repairs. The system, not what the learner typed, decides whether the repair works.
//
// A Session is one lesson being run. Its methods are what a learner can do, its Snapshot is all that a
// screen needs, and it knows nothing of screens. A step stays until Next is called.
// Checks are evaluated continuously, since the learner may act in another terminal.
//
// A lesson undoes what it did to the shop on every way out: Close rolls back, and a session that was killed leaves a
// journal from which package restore, or the next session, does.
//
// Package format defines how a lesson is written, probe and check how the shop is examined, progress what is stored,
// and verify how a lesson is tested.
package lesson

import (
	"io/fs"

	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// Lesson is one lesson as its file describes it.
type Lesson = format.Lesson

// Load reads all lessons below a directory; see format.Load.
func Load(fsys fs.FS) ([]*Lesson, error) { return format.Load(fsys) }

// Curriculum returns the ids of all lessons below a directory in their order; see format.Curriculum.
func Curriculum(fsys fs.FS) ([]string, error) { return format.Curriculum(fsys) }

// Find returns the lesson with an id or alias, nil if there is none.
func Find(lessons []*Lesson, id string) *Lesson {
	for _, l := range lessons {
		if l.ID == id {
			return l
		}
		for _, alias := range l.Aliases {
			if alias == id {
				return l
			}
		}
	}
	return nil
}
