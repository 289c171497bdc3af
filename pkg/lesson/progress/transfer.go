package progress

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Export returns all progress as a file that Import reads, here or on another machine.
func (s *Store) Export() ([]byte, error) {
	f, _, err := s.Read()
	if err != nil {
		return nil, err
	}
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("export progress: %w", err)
	}
	return append(raw, '\n'), nil
}

// Imported is the outcome for the lessons of a file.
type Imported struct {
	// Taken are lessons that are now as in the file, Kept those that were newer here.
	Taken, Kept []string
	// Undo is the file with the progress that was replaced, empty if none was.
	Undo string
}

// Import replaces progress by that of a file. A lesson with more recent progress here is kept, unless all are to be
// replaced. Undo restores what was replaced.
func (s *Store) Import(raw []byte, all bool) (Imported, error) {
	var done Imported
	in, err := decode(raw)
	if err != nil {
		return done, err
	}
	replaced := map[string]*Lesson{}
	_, err = s.Update(func(f *File) {
		for id, l := range in.Lessons {
			here := f.Lessons[id]
			if here != nil && !all && here.Updated.After(l.Updated) {
				done.Kept = append(done.Kept, id)
				continue
			}
			if here != nil {
				replaced[id] = here
			}
			f.Lessons[id] = l
			done.Taken = append(done.Taken, id)
		}
	})
	slices.Sort(done.Taken)
	slices.Sort(done.Kept)
	if err != nil || len(replaced) == 0 {
		return done, err
	}
	done.Undo = s.undoPath()
	return done, s.write(done.Undo, &File{Version: Version, Lessons: replaced})
}
