package progress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// NewerError is a file of a version that this shopctl does not know.
type NewerError struct{ Version int }

func (e *NewerError) Error() string {
	return fmt.Sprintf("has version %d, and this shopctl supports %d", e.Version, Version)
}

// decode reads a file of this version or an older one. The error is *NewerError for a newer one.
func decode(raw []byte) (*File, error) {
	version, err := versionOf(raw)
	if err != nil {
		return nil, err
	}
	if version == 1 {
		if raw, err = fromVersion1(raw); err != nil {
			return nil, err
		}
	}
	f := &File{}
	if err := json.Unmarshal(raw, f); err != nil {
		return nil, fmt.Errorf("is not a progress file: %w", err)
	}
	f.Version = Version
	if f.Lessons == nil {
		f.Lessons = map[string]*Lesson{}
	}
	for id, l := range f.Lessons {
		if l == nil {
			delete(f.Lessons, id)
		}
	}
	return f, nil
}

func versionOf(raw []byte) (int, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return 0, fmt.Errorf("is not a progress file: %w", err)
	}
	switch {
	case head.Version > Version:
		return 0, &NewerError{head.Version}
	case head.Version < 1:
		return 0, errors.New("is not a progress file: it has no version")
	}
	return head.Version, nil
}

// fromVersion1 converts the times at which questions were due.
func fromVersion1(raw []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var file map[string]any
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("is not a progress file: %w", err)
	}
	lessons, _ := file["lessons"].(map[string]any)
	for _, l := range lessons {
		lesson, _ := l.(map[string]any)
		questions, _ := lesson["review"].(map[string]any)
		for id, due := range questions {
			questions[id] = map[string]any{"due": due}
		}
	}
	return json.Marshal(file)
}

// keepOld copies a file of an older version before it is overwritten, for a return to an older shopctl.
func (s *Store) keepOld() error {
	raw, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("back up old progress: %w", err)
	}
	version, err := versionOf(raw)
	if err != nil || version == Version {
		return nil // Read has said what there is to say
	}
	if err := os.WriteFile(fmt.Sprintf("%s.v%d", s.path, version), raw, 0o600); err != nil {
		return fmt.Errorf("back up old progress: %w", err)
	}
	return nil
}
