package observe

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// LogQuery says which lines are wanted.
type LogQuery struct {
	// Service and Instance; empty: all.
	Service, Instance string
	// Since is the earliest time; zero: all that is kept.
	Since time.Time
	// Tail keeps the last lines only; 0: all.
	Tail int
	// Follow goes on with new lines until the context ends.
	Follow bool
	LogFilter
}

func (q LogQuery) wants(in *instanceLog) bool {
	return (q.Service == "" || in.holds(q.Service)) && (q.Instance == "" || q.Instance == in.instance)
}

// holds tells whether a service's records are in the log.
func (in *instanceLog) holds(service string) bool {
	if in.service == service {
		return true
	}
	for _, module := range in.modules {
		if module == service {
			return true
		}
	}
	return false
}

// line reads a record if the query asks for it.
func (q LogQuery) line(in *instanceLog, raw string) *controlpb.LogLine {
	line := q.pick(in, raw)
	if line != nil && q.Service != "" && q.Service != in.service && q.Service != line.GetService() {
		return nil // of another module
	}
	return line
}

// Read sends the lines that q asks for in order of time, and returns after the last, or with Follow
// when ctx ends or send fails.
func (l *Logs) Read(ctx context.Context, q LogQuery, send func(*controlpb.LogLine) error) error {
	var f *follower
	if q.Follow {
		f = &follower{query: q, lines: make(chan *controlpb.LogLine, followBuffer)}
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

// readSections reads the files up to where they were, and merges their lines by time.
func readSections(ctx context.Context, sections []section, q LogQuery) ([]*controlpb.LogLine, error) {
	var all []*controlpb.LogLine
	for _, s := range sections {
		lines, err := readSection(ctx, s, q)
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	slices.SortStableFunc(all, func(a, b *controlpb.LogLine) int {
		return cmp.Or(cmp.Compare(a.GetTime().GetSeconds(), b.GetTime().GetSeconds()), cmp.Compare(a.GetTime().GetNanos(), b.GetTime().GetNanos()))
	})
	if q.Tail > 0 && len(all) > q.Tail {
		all = all[len(all)-q.Tail:]
	}
	return all, nil
}

func readSection(ctx context.Context, s section, q LogQuery) ([]*controlpb.LogLine, error) {
	in := bufio.NewReaderSize(io.LimitReader(s.file, s.size), 64<<10)
	var lines []*controlpb.LogLine
	stamped := "" // the last line that may have a time, which those without one take over
	for ctx.Err() == nil {
		raw, err := in.ReadString('\n')
		if raw = strings.TrimRight(raw, "\r\n"); raw != "" {
			line := q.line(s.log, raw)
			if line != nil && line.Time == nil {
				line.Time = parseLine(&instanceLog{}, stamped).Time
			}
			if strings.HasPrefix(raw, "{") {
				stamped = raw
			}
			if line != nil && !line.GetTime().AsTime().Before(q.Since) {
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
			return nil, fmt.Errorf("read log of %s: %w", s.log.instance, err)
		}
	}
	return nil, ctx.Err()
}

// parseLine reads the fields of a JSON line under the names that loggers use for them.
func parseLine(in *instanceLog, raw string) *controlpb.LogLine {
	line := &controlpb.LogLine{Service: in.service, Instance: in.instance, Raw: raw}
	var fields struct {
		Timestamp time.Time `json:"timestamp"`
		Time      time.Time `json:"time"`
		Severity  string    `json:"severity"`
		Level     string    `json:"level"`
		Message   string    `json:"message"`
		Msg       string    `json:"msg"`
		TraceID   string    `json:"trace_id"`
		SpanID    string    `json:"span_id"`
		Service   any       `json:"service"`
	}
	if !strings.HasPrefix(raw, "{") || json.Unmarshal([]byte(raw), &fields) != nil {
		line.Message = raw
		return line
	}
	at := fields.Timestamp
	if at.IsZero() {
		at = fields.Time
	}
	if !at.IsZero() {
		line.Time = timestamppb.New(at)
	}
	line.Level = level(cmp.Or(fields.Severity, fields.Level))
	line.Message = cmp.Or(fields.Message, fields.Msg)
	line.TraceId, line.SpanId = fields.TraceID, fields.SpanID
	if name, ok := fields.Service.(string); ok && in.modules[name] != "" {
		line.Service = in.modules[name]
	}
	return line
}

func level(word string) string {
	switch word = strings.ToLower(word); word {
	case "warning":
		return "warn"
	case "critical", "fatal", "panic", "err":
		return "error"
	case "trace":
		return "debug"
	case "notice", "information":
		return "info"
	}
	return word
}

// follower is one reader that goes on.
type follower struct {
	query LogQuery
	lines chan *controlpb.LogLine
	lost  int
}

func (f *follower) wants(in *instanceLog) bool { return f.query.wants(in) }

// offer hands on what was written. A follower that is too far behind loses lines and is told how many.
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
			text := fmt.Sprintf("%d lines were skipped: they came faster than they were read", f.lost)
			f.lost = 0
			f.lines <- &controlpb.LogLine{Service: in.service, Instance: in.instance, Level: "warn", Message: text, Raw: text}
			if len(f.lines) == cap(f.lines)-1 {
				f.lost++
				continue
			}
		}
		f.lines <- line
	}
}
