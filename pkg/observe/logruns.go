package observe

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrNoPreviousRun is returned by Logs.Read when there are no logs of an earlier run.
var ErrNoPreviousRun = errors.New("there are no logs of an earlier run")

// header is the record before the lines of each run in each file of a log. Readers do not see it.
type header struct {
	Run       int               `json:"shopctl_run"`
	Service   string            `json:"service"`
	Instance  string            `json:"instance"`
	Container string            `json:"container"`
	Main      bool              `json:"main,omitempty"`
	Modules   map[string]string `json:"modules,omitempty"`
}

const headerPrefix = `{"shopctl_run":`

// header is the record before the lines of the container's current run.
func (in *instanceLog) header() []byte {
	line, err := json.Marshal(header{in.runs, in.Service, in.Instance, in.Container, in.Main, in.Modules})
	if err != nil {
		return nil // not reached: these fields can be encoded
	}
	return append(line, '\n')
}

// readHeader reads a header; ok is false for any other line.
func readHeader(raw string) (h header, ok bool) {
	if !strings.HasPrefix(raw, headerPrefix) {
		return h, false
	}
	return h, json.Unmarshal([]byte(raw), &h) == nil
}

// previousRun is the last run that has ended; 0 if there is none.
func (in *instanceLog) previousRun() int {
	if in.open > 0 {
		return in.runs - 1
	}
	return in.runs
}

// pastDir is the directory of the logs of the daemon before.
func (l *Logs) pastDir() string { return l.dir + rotatedSuffix }

// keepPast moves the logs of the last daemon out of the way, and removes those of the one before. A daemon that started
// nothing has no logs, and leaves the others where they are.
func (l *Logs) keepPast() error {
	old, err := logFiles(l.dir)
	if err != nil {
		return fmt.Errorf("read log directory: %w", err)
	}
	if len(old) == 0 {
		return nil
	}
	older, err := logFiles(l.pastDir())
	if errors.Is(err, fs.ErrNotExist) {
		err = os.Mkdir(l.pastDir(), 0o700)
	}
	if err != nil {
		return fmt.Errorf("keep old logs: %w", err)
	}
	for _, name := range older {
		if err := os.Remove(filepath.Join(l.pastDir(), name)); err != nil {
			return fmt.Errorf("remove old log: %w", err)
		}
	}
	for _, name := range old {
		if err := os.Rename(filepath.Join(l.dir, name), filepath.Join(l.pastDir(), name)); err != nil {
			return fmt.Errorf("keep old log: %w", err)
		}
	}
	return nil
}

// logFiles are the names of the log files in a directory.
func logFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), rotatedSuffix); strings.HasSuffix(name, logSuffix) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// beginPast opens the logs of the last daemon that a query selects.
func (l *Logs) beginPast(q LogQuery) ([]section, error) {
	names, err := logFiles(l.pastDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read log directory: %w", err)
	}
	var sections []section
	for _, name := range names {
		if strings.HasSuffix(name, rotatedSuffix) {
			continue // read with the file that follows it
		}
		path := filepath.Join(l.pastDir(), name)
		in, ok := identify(path)
		if !ok || !q.wants(in) {
			continue
		}
		if sections, err = openSections(sections, in, path, 0); err != nil {
			return nil, err
		}
	}
	if len(sections) == 0 {
		return nil, ErrNoPreviousRun
	}
	return sections, nil
}

// identify finds whose log a file is by its first line.
func identify(path string) (in *instanceLog, ok bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil {
		return nil, false
	}
	h, ok := readHeader(line)
	return &instanceLog{LogSource: LogSource{
		Service: h.Service, Instance: h.Instance, Container: h.Container, Main: h.Main, Modules: h.Modules,
	}}, ok
}
