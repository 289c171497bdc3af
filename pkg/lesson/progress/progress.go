// Package progress stores a learner's progress: one JSON file, versioned, replaced as a whole and never sent
// anywhere. A file that cannot be read is set aside and never overwritten.
package progress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Version of the file's format. Fields are only ever added within one; files of older versions are
// brought up to date when they are read.
const Version = 2

// File is all progress.
type File struct {
	Version int                `json:"version"`
	Lessons map[string]*Lesson `json:"lessons"`
}

// Status of a lesson.
type Status string

// A lesson that has no entry was never started.
const (
	Started Status = "started"
	Done    Status = "done"
)

// Lesson is how far one lesson is.
type Lesson struct {
	Status Status `json:"status"`
	// Step is the id of the step to resume at.
	Step string `json:"step"`
	// Hash of the lesson's content when it was last open.
	Hash     string           `json:"hash"`
	Seed     int64            `json:"seed"`
	Started  time.Time        `json:"started"`
	Updated  time.Time        `json:"updated"`
	Finished time.Time        `json:"finished,omitzero"`
	Steps    map[string]*Step `json:"steps"`
	// Review has the state of each question that the lesson left for later.
	Review map[string]Recall `json:"review,omitempty"`
}

// Clone returns a deep copy.
func (l *Lesson) Clone() *Lesson {
	c := *l
	c.Steps = make(map[string]*Step, len(l.Steps))
	for id, st := range l.Steps {
		c.Steps[id] = st.clone()
	}
	c.Review = maps.Clone(l.Review)
	return &c
}

func (st *Step) clone() *Step {
	c := *st
	c.Answers, c.Passed = maps.Clone(st.Answers), slices.Clone(st.Passed)
	c.Predicted, c.Observed = cloneBool(st.Predicted), cloneBool(st.Observed)
	return &c
}

func cloneBool(b *bool) *bool {
	if b == nil {
		return nil
	}
	c := *b
	return &c
}

// Recall is the state of one question.
type Recall struct {
	// Due is when it is asked again; zero: never, it is known.
	Due time.Time `json:"due,omitzero"`
	// Stage counts how often in a row it was known.
	Stage int `json:"stage"`
	// Asked counts how often it was asked. Last, Confidence and Right are of the last time.
	Asked      int       `json:"asked"`
	Last       time.Time `json:"last,omitzero"`
	Confidence string    `json:"confidence,omitempty"`
	Right      bool      `json:"right,omitempty"`
}

// Step records the learner's actions in one step.
type Step struct {
	Started    time.Time `json:"started"`
	Finished   time.Time `json:"finished,omitzero"`
	Prediction string    `json:"prediction,omitempty"`
	Confidence string    `json:"confidence,omitempty"`
	// Predicted is whether the prediction came true.
	Predicted   *bool  `json:"predicted_right,omitempty"`
	Observation string `json:"observation,omitempty"`
	// Truth is the value that the run showed, where it is known.
	Truth string `json:"truth,omitempty"`
	// Measured is whether Truth was read in the learner's own run.
	Measured bool  `json:"measured,omitempty"`
	Observed *bool `json:"observed_right,omitempty"`
	// Attempts counts runs, answers, and evaluations that the learner asked for.
	Attempts int `json:"attempts"`
	// Failed counts those in a row that failed.
	Failed  int               `json:"failed,omitempty"`
	Hints   int               `json:"hints"`
	Answers map[string]string `json:"answers,omitempty"`
	Passed  []string          `json:"passed,omitempty"`
	// Solved is set if the solution was run for the learner.
	Solved bool `json:"solved,omitempty"`
}

// Store is the file on disk. Several processes may use it: every change is made to what the file holds
// then, under a lock.
type Store struct {
	path string
	now  func() time.Time
}

// New returns the store at a path; nothing is read yet.
func New(path string, now func() time.Time) *Store { return &Store{path: path, now: now} }

// Path of the file.
func (s *Store) Path() string { return s.path }

// Read returns all progress. aside is where an unreadable file was moved, empty if there was none.
func (s *Store) Read() (f *File, aside string, err error) {
	f = &File{Version: Version, Lessons: map[string]*Lesson{}}
	raw, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("read progress: %w", err)
	}
	var newer *NewerError
	if f, err = decode(raw); err == nil {
		return f, "", nil
	} else if errors.As(err, &newer) {
		return nil, "", fmt.Errorf("read progress: %s %w", s.path, err)
	}
	aside = fmt.Sprintf("%s.corrupt-%s", s.path, s.now().UTC().Format("20060102T150405.000"))
	if err := os.Rename(s.path, aside); err != nil {
		return nil, "", fmt.Errorf("move unreadable progress away: %w", err)
	}
	return &File{Version: Version, Lessons: map[string]*Lesson{}}, aside, nil
}

// Update changes the progress and writes it, whole or not at all.
func (s *Store) Update(change func(*File)) (aside string, err error) {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return "", fmt.Errorf("write progress: %w", err)
	}
	lock, err := os.OpenFile(s.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("write progress: %w", err)
	}
	defer lock.Close() // unlocks
	if err := s.flock(lock); err != nil {
		return "", err
	}
	f, aside, err := s.Read()
	if err == nil {
		err = s.keepOld()
	}
	if err != nil {
		return "", err
	}
	change(f)
	return aside, s.write(s.path, f)
}

const (
	// lockTimeout bounds the wait for a process that holds the lock: one that was stopped by ctrl+z never releases it.
	lockTimeout = 2 * time.Second
	lockPoll    = 20 * time.Millisecond
)

// flock locks the file, which closing it unlocks.
func (s *Store) flock(lock *os.File) error {
	for waited := time.Duration(0); ; waited += lockPoll {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return fmt.Errorf("lock progress: %w", err)
		case waited >= lockTimeout:
			return fmt.Errorf("lock progress: another shopctl has held %s for %s; continue it with fg, or end it", lock.Name(), lockTimeout)
		}
		time.Sleep(lockPoll)
	}
}

func (s *Store) write(path string, f *File) error {
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".progress-*")
	if err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	defer os.Remove(tmp.Name()) // after the rename there is nothing left to remove
	_, err = tmp.Write(append(raw, '\n'))
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	return nil
}

// Save writes the progress of one lesson.
func (s *Store) Save(id string, l *Lesson) (aside string, err error) {
	return s.Update(func(f *File) { f.Lessons[id] = l })
}

// Reset forgets the lessons with these ids, all if there are none, and returns the file that Undo
// brings back; it is empty if there was nothing to forget.
func (s *Store) Reset(ids ...string) (undo string, err error) {
	var before *File
	_, err = s.Update(func(f *File) {
		forgotten := map[string]*Lesson{}
		if len(ids) == 0 {
			for id := range f.Lessons {
				ids = append(ids, id)
			}
		}
		for _, id := range ids {
			if l, ok := f.Lessons[id]; ok {
				forgotten[id] = l
				delete(f.Lessons, id)
			}
		}
		if len(forgotten) > 0 {
			before = &File{Version: Version, Lessons: forgotten}
		}
	})
	if err != nil || before == nil {
		return "", err
	}
	undo = s.undoPath()
	return undo, s.write(undo, before)
}

func (s *Store) undoPath() string {
	return filepath.Join(filepath.Dir(s.path), "progress.undo.json")
}

// Undo brings back what the last Reset forgot and returns the lessons' ids.
func (s *Store) Undo() ([]string, error) {
	raw, err := os.ReadFile(s.undoPath())
	if err != nil {
		return nil, fmt.Errorf("undo reset: %w", err)
	}
	before, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("undo reset: %s %w", s.undoPath(), err)
	}
	var ids []string
	_, err = s.Update(func(f *File) {
		for id, l := range before.Lessons {
			f.Lessons[id] = l
			ids = append(ids, id)
		}
	})
	if err != nil {
		return nil, err
	}
	return ids, os.Remove(s.undoPath())
}
