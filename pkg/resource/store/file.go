package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/shopctl/shopctl/pkg/resource"
)

// fileVersion is the version of the format below. A file of a higher one was written by a newer shopctl.
const fileVersion = 1

// file is the stored form: the objects that differ from the defaults, and the defaults that were deleted.
type file struct {
	Version  int               `json:"version"`
	Revision uint64            `json:"revision"`
	Objects  []json.RawMessage `json:"objects"`
	Removed  []resource.Key    `json:"removed,omitempty"`
	Sources  []keptSource      `json:"sources,omitempty"`
	History  []keptHistory     `json:"history,omitempty"`
}

// keptSource is where an object was written.
type keptSource struct {
	Key resource.Key `json:"key"`
	*resource.Source
}

// CorruptError reports that the file could not be read, and its new name.
type CorruptError struct {
	Path string
	// Kept is the file's new name.
	Kept  string
	Cause error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("read objects from %s: %v; the file is kept as %s", e.Path, e.Cause, e.Kept)
}

func (e *CorruptError) Unwrap() error { return e.Cause }

// load reads a file; a missing one is empty.
func load(path string, now time.Time) (*state, error) {
	empty := &state{objects: map[resource.Key]*entry{}, removed: map[resource.Key]bool{}, history: map[resource.Key][]Revision{}}
	if path == "" {
		return empty, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	st, err := parse(data)
	var newer *newerError
	if errors.As(err, &newer) {
		return nil, fmt.Errorf("read objects from %s: %w", path, err)
	}
	if err != nil {
		kept := path + ".corrupt-" + now.UTC().Format("20060102T150405")
		if renameErr := os.Rename(path, kept); renameErr != nil {
			return nil, fmt.Errorf("read objects from %s: %w; move it away: %w", path, err, renameErr)
		}
		return nil, &CorruptError{Path: path, Kept: kept, Cause: err}
	}
	return st, nil
}

type newerError struct{ version int }

func (e *newerError) Error() string {
	return fmt.Sprintf("its format %d was written by a newer shopctl; this one reads up to %d", e.version, fileVersion)
}

func parse(data []byte) (*state, error) {
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	if f.Version > fileVersion {
		return nil, &newerError{f.Version}
	}
	if f.Version < 1 {
		return nil, fmt.Errorf("format version %d is unknown", f.Version)
	}
	st := &state{revision: f.Revision, objects: map[resource.Key]*entry{}, removed: map[resource.Key]bool{}, history: map[resource.Key][]Revision{}}
	for _, raw := range f.Objects {
		var head struct{ APIVersion, Kind string }
		if err := json.Unmarshal(raw, &head); err != nil {
			return nil, err
		}
		k, err := resource.KindFor(head.APIVersion, head.Kind)
		if err != nil {
			return nil, err
		}
		o := k.New()
		if err := json.Unmarshal(raw, o); err != nil {
			return nil, fmt.Errorf("decode %s: %w", k.Singular(), err)
		}
		if o.GetName() == "" {
			return nil, fmt.Errorf("a %s has no name", k.Name)
		}
		st.objects[resource.KeyOf(o)] = &entry{object: o, origin: originUser}
	}
	for _, key := range f.Removed {
		st.removed[key] = true
	}
	for _, kept := range f.History {
		st.history[kept.Key] = kept.Revisions
	}
	for _, kept := range f.Sources {
		if e := st.objects[kept.Key]; e != nil {
			e.source = kept.Source
		}
	}
	return st, nil
}

// save replaces the file whole: a crash at any moment leaves the old one or the new one.
func save(path string, st *state) error {
	if path == "" {
		return nil
	}
	data, err := encode(st)
	if err == nil {
		err = replace(path, data)
	}
	if err != nil {
		return fmt.Errorf("save objects (nothing was changed): %w", err)
	}
	return nil
}

func encode(st *state) ([]byte, error) {
	f := file{Version: fileVersion, Revision: st.revision, Objects: []json.RawMessage{}}
	for _, key := range st.keys() {
		e := st.objects[key]
		if e.origin == originDefault {
			continue
		}
		o := resource.Clone(e.object)
		if k, err := resource.KindOf(o); err == nil && k.Workload {
			k.ClearStatus(o) // it is measured
		}
		raw, err := json.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", key, err)
		}
		f.Objects = append(f.Objects, raw)
		if e.source != nil {
			f.Sources = append(f.Sources, keptSource{key, e.source})
		}
	}
	f.Removed = sortKeys(maps.Keys(st.removed))
	f.History = st.histories()
	return json.MarshalIndent(f, "", " ")
}

// replace writes to a file next to path, syncs it and renames it. It contains Secrets: only the user may read it.
func replace(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	// One store owns the path, so that a left-over of a crash is overwritten.
	temp := path + ".tmp"
	err := writeFile(temp, data)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

func writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDir makes a rename durable. The new file is in place already, so that a file system which cannot do
// this does not fail the change.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
