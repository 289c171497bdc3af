package observe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/logrecord"
)

// LogLine is one line of a log.
type LogLine struct {
	// Time is zero for lines that have none.
	Time              time.Time
	Service, Instance string
	// Container of the instance that wrote it.
	Container string
	// Level is debug, info, warn or error; empty for a line that is not JSON.
	Level   string
	Message string
	// TraceID and SpanID of the span in which it was written, in hexadecimal digits.
	TraceID, SpanID string
	// Raw is the line as written.
	Raw string
}

// LogQuery selects lines.
type LogQuery struct {
	// Service and Instance; empty: all.
	Service, Instance string
	// More: lines of these are selected as well.
	More []LogTarget
	// Namespace reports whether a service is in the namespace whose logs are wanted; nil: all are.
	Namespace func(service string) bool
	// Container of each instance. Empty: the first one if Service or Instance is given, unless AllContainers; else all.
	Container     string
	AllContainers bool
	// Since is the earliest time; zero: all that is kept.
	Since time.Time
	// Tail keeps the last lines only; 0: all.
	Tail int
	// Previous selects the last run of each container that has ended; if there is none, the logs of the last daemon.
	Previous bool
	// Follow continues with new lines until the context ends.
	Follow bool
	LogFilter
}

// LogTarget is a service, or one instance of it.
type LogTarget struct{ Service, Instance string }

func (t LogTarget) wants(in *instanceLog) bool {
	return (t.Service == "" || in.holds(t.Service)) && (t.Instance == "" || t.Instance == in.Instance)
}

func (q LogQuery) targets() []LogTarget {
	return append([]LogTarget{{q.Service, q.Instance}}, q.More...)
}

func (q LogQuery) wants(in *instanceLog) bool {
	wanted := func(t LogTarget) bool { return t.wants(in) }
	return (q.Namespace == nil || q.Namespace(in.Service)) && slices.ContainsFunc(q.targets(), wanted) && q.wantsContainer(in)
}

func (q LogQuery) wantsContainer(in *instanceLog) bool {
	if q.Container != "" {
		return q.Container == in.Container
	}
	return in.Main || q.AllContainers || q.Service == "" && q.Instance == ""
}

// holds reports whether a service's records are in the log.
func (in *instanceLog) holds(service string) bool {
	if in.Service == service {
		return true
	}
	for _, module := range in.Modules {
		if module == service {
			return true
		}
	}
	return false
}

// line returns a record if the query selects it, else nil.
func (q LogQuery) line(in *instanceLog, raw string) *LogLine {
	line := q.pick(in, raw)
	if line == nil {
		return nil
	}
	for _, t := range q.targets() {
		if t.wants(in) && (t.Service == "" || t.Service == in.Service || t.Service == line.Service) {
			return line
		}
	}
	return nil // of another module
}

// Read sends the selected lines in order of time, and returns after the last, or with Follow when ctx ends or send fails.
func (l *Logs) Read(ctx context.Context, q LogQuery, send func(*LogLine) error) error {
	var f *follower
	if q.Follow {
		f = &follower{query: q, lines: make(chan *LogLine, followBuffer)}
		defer l.leave(f)
	}
	sections, err := l.begin(q, f)
	if err != nil {
		return err
	}
	defer closeSections(sections)
	lines, err := readSections(ctx, sections, q)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if err := send(line); err != nil {
			return err
		}
	}
	if f == nil {
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case line := <-f.lines:
			if err := send(line); err != nil {
				return err
			}
		}
	}
}

// readSections reads the files up to their sizes when the reader began, and merges their lines by time.
func readSections(ctx context.Context, sections []section, q LogQuery) ([]*LogLine, error) {
	var all []*LogLine
	for _, s := range sections {
		lines, err := readSection(ctx, s, q)
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	slices.SortStableFunc(all, func(a, b *LogLine) int {
		return a.Time.Compare(b.Time)
	})
	if q.Tail > 0 && len(all) > q.Tail {
		all = all[len(all)-q.Tail:]
	}
	return all, nil
}

func readSection(ctx context.Context, s section, q LogQuery) ([]*LogLine, error) {
	in := bufio.NewReaderSize(io.LimitReader(s.file, s.size), 64<<10)
	var lines []*LogLine
	run := 0
	stamped := "" // the last line that may have a time; those without one get its
	for ctx.Err() == nil {
		raw, err := in.ReadString('\n')
		raw = strings.TrimRight(raw, "\r\n")
		if h, ok := readHeader(raw); ok {
			run, raw = h.Run, ""
		}
		if raw != "" && (s.run == 0 || s.run == run) {
			line := q.line(s.log, raw)
			if line != nil && line.Time.IsZero() {
				line.Time = parseLine(&instanceLog{}, stamped).Time
			}
			if raw[0] == '{' || logrecord.Stamped(raw) {
				stamped = raw
			}
			if line != nil && !line.Time.Before(q.Since) {
				lines = append(lines, line)
			}
		}
		if q.Tail > 0 && len(lines) > 2*q.Tail+1024 {
			lines = append(lines[:0:0], lines[len(lines)-q.Tail:]...)
		}
		if err == io.EOF {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read log of %s: %w", s.log.Instance, err)
		}
	}
	return nil, ctx.Err()
}

// parseLine reads a line of a file. A record whose own time could not be read when it came begins with the time at which it
// did.
func parseLine(in *instanceLog, raw string) *LogLine {
	stamp, raw := logrecord.Unstamp(raw)
	line := &LogLine{Service: in.Service, Instance: in.Instance, Container: in.Container, Raw: raw}
	r, ok := logrecord.Parse([]byte(raw))
	if !ok {
		line.Time, line.Message = stamp, raw
		return line
	}
	line.Time = r.Time
	if !stamp.IsZero() {
		line.Time = stamp
	}
	line.Level, line.Message = r.Level, r.Message
	line.TraceID, line.SpanID = strings.ToLower(r.TraceID), strings.ToLower(r.SpanID)
	if in.Modules[r.Service] != "" {
		line.Service = in.Modules[r.Service]
	}
	return line
}

// follower is a reader that continues with new lines.
type follower struct {
	query LogQuery
	lines chan *LogLine
	lost  int
}

func (f *follower) wants(in *instanceLog) bool { return f.query.wants(in) }

// offer passes new lines on. A follower that is too far behind loses lines, and a line reports how many.
func (f *follower) offer(in *instanceLog, p []byte) {
	for raw := range strings.Lines(string(p)) {
		if raw = strings.TrimRight(raw, "\r\n"); raw == "" {
			continue
		}
		line := f.query.line(in, raw)
		if line == nil {
			continue
		}
		if len(f.lines) == cap(f.lines)-1 {
			f.lost++
			continue
		}
		if f.lost > 0 {
			text := fmt.Sprintf("%d lines were skipped: they were written faster than they were read", f.lost)
			f.lost = 0
			f.lines <- &LogLine{Time: line.Time, Service: in.Service, Instance: in.Instance, Container: in.Container, Level: "warn", Message: text, Raw: text}
			if len(f.lines) == cap(f.lines)-1 {
				f.lost++
				continue
			}
		}
		f.lines <- line
	}
}
