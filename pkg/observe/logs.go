package observe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

const (
	// maxLogs bounds the ended instances whose logs are kept.
	maxLogs = 64
	// followBuffer is how many lines a follower may be behind before it loses some.
	followBuffer = 4096
	logSuffix    = ".log"
)

// Logs are the log files of all instances. It is safe for concurrent use.
type Logs struct {
	dir string
	max int64

	mu        sync.Mutex // held while a line is written, so that a reader can begin between two
	instances []*instanceLog
	followers map[*follower]struct{}
}

// LogSource is a container whose output is logged.
type LogSource struct {
	Service, Instance, Container string
	// Main marks the first container of its instance, whose lines are read by default.
	Main bool
	// Modules maps the field service of a monolith's records to the short names of its modules.
	Modules map[string]string
}

// instanceLog is the log of one container of an instance.
type instanceLog struct {
	LogSource
	open int
	// runs of the container so far.
	runs int
}

// NewLogs returns logs in a directory. Those of an earlier daemon are moved to a directory beside it, where they
// replace those of the daemon before. Each container has one or two files of at most max bytes.
func NewLogs(dir string, max int64) (*Logs, error) {
	l := &Logs{dir: dir, max: max, followers: map[*follower]struct{}{}}
	if err := l.keepPast(); err != nil {
		return nil, err
	}
	return l, nil
}

// path is the file of a container. The first container's is named after the instance only.
func (l *Logs) path(src LogSource) string { return filepath.Join(l.dir, src.fileName()) }

func (src LogSource) fileName() string {
	if src.Main {
		return src.Instance + logSuffix
	}
	return src.Instance + "_" + src.Container + logSuffix
}

// Writer returns what takes the output of one run of a container, whole lines at a time.
func (l *Logs) Writer(src LogSource) (io.WriteCloser, error) {
	f, err := openRotating(l.path(src), l.max)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.instances, func(in *instanceLog) bool { return in.Instance == src.Instance && in.Container == src.Container })
	if i < 0 {
		i = len(l.instances)
		l.instances = append(l.instances, &instanceLog{LogSource: src})
	}
	in := l.instances[i]
	in.open++
	in.runs++
	if err := f.begin(in.header()); err != nil {
		_ = f.Close()
		in.open--
		return nil, err
	}
	w := &logWriter{logs: l, file: f, log: in}
	l.prune()
	return w, nil
}

// prune removes the files of the instances that ended first. The caller holds mu.
func (l *Logs) prune() {
	closed := 0
	for _, in := range l.instances {
		if in.open == 0 {
			closed++
		}
	}
	for i := 0; closed > maxLogs && i < len(l.instances); {
		in := l.instances[i]
		if in.open > 0 {
			i++
			continue
		}
		_ = os.Remove(l.path(in.LogSource))
		_ = os.Remove(l.path(in.LogSource) + rotatedSuffix)
		l.instances = slices.Delete(l.instances, i, i+1)
		closed--
	}
}

type logWriter struct {
	logs *Logs
	file io.WriteCloser
	log  *instanceLog
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.logs.mu.Lock()
	defer w.logs.mu.Unlock()
	n, err := w.file.Write(p)
	for f := range w.logs.followers {
		if f.wants(w.log) {
			f.offer(w.log, p)
		}
	}
	return n, err
}

func (w *logWriter) Close() error {
	w.logs.mu.Lock()
	defer w.logs.mu.Unlock()
	w.log.open--
	return w.file.Close()
}

// LastLines returns the last n messages that a container logged in its last run, oldest first.
func (l *Logs) LastLines(instance, container string, n int) []string {
	const enough = 16 << 10
	l.mu.Lock()
	i := slices.IndexFunc(l.instances, func(in *instanceLog) bool { return in.Instance == instance && in.Container == container })
	if i < 0 {
		l.mu.Unlock()
		return nil
	}
	src := l.instances[i].LogSource
	l.mu.Unlock()
	f, err := os.Open(l.path(src))
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > enough {
		if _, err := f.Seek(-enough, io.SeekEnd); err != nil {
			return nil
		}
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i, raw := range slices.Backward(lines) {
		if _, begins := readHeader(raw); begins {
			lines = lines[i+1:]
			break
		}
	}
	var messages []string
	for _, raw := range lines[max(0, len(lines)-n):] {
		if line := parseLine(&instanceLog{LogSource: src}, raw); line.Message != "" {
			messages = append(messages, line.Message)
		}
	}
	return messages
}

// section is the content of one file at the moment when a reader began.
type section struct {
	log  *instanceLog
	file *os.File
	size int64
	// run is the only one to read; 0: all.
	run int
}

// begin opens all files that q selects, and if f is given follows them from exactly that point.
func (l *Logs) begin(q LogQuery, f *follower) ([]section, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var sections []section
	var err error
	for _, in := range l.instances {
		run := 0
		if q.Previous {
			if run = in.previousRun(); run == 0 {
				continue
			}
		}
		if !q.wants(in) {
			continue
		}
		if sections, err = openSections(sections, in, l.path(in.LogSource), run); err != nil {
			return nil, err
		}
	}
	if q.Previous && len(sections) == 0 {
		return l.beginPast(q)
	}
	if f != nil {
		l.followers[f] = struct{}{}
	}
	return sections, nil
}

// openSections opens the two files of a container. If that fails, it closes all.
func openSections(sections []section, in *instanceLog, path string, run int) ([]section, error) {
	for _, path := range []string{path + rotatedSuffix, path} {
		file, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			closeSections(sections)
			return nil, fmt.Errorf("read log: %w", err)
		}
		s := section{log: in, file: file, run: run}
		if info, err := file.Stat(); err == nil {
			s.size = info.Size()
		}
		sections = append(sections, s)
	}
	return sections, nil
}

func (l *Logs) leave(f *follower) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.followers, f)
}

func closeSections(sections []section) {
	for _, s := range sections {
		_ = s.file.Close()
	}
}

// Knows reports whether there are logs of a service.
func (l *Logs) Knows(service string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.instances, func(in *instanceLog) bool { return in.holds(service) })
}
