// Package logrecord reads lines of logs as programs write them: JSON under the names and in the forms that the common loggers
// use for times, levels and messages, and the levels of plain text.
package logrecord

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// Record is what is known of a line. A field that the line does not have, or that cannot be read, is zero; it never spoils
// another.
type Record struct {
	Time time.Time
	// NoZone: the time was written without a zone, and read as one of this machine.
	NoZone bool
	// Level is debug, info, warn or error, or the program's own word in lower case; "" if there is none.
	Level   string
	Message string
	// TraceID and SpanID are hexadecimal digits.
	TraceID, SpanID string
	// Service is the field of this name if it is text.
	Service string
}

// fields are the names under which loggers write what a Record has. The case of names does not matter.
type fields struct {
	Timestamp  json.RawMessage `json:"timestamp"`
	AtTime     json.RawMessage `json:"@timestamp"`
	Time       json.RawMessage `json:"time"`
	TS         json.RawMessage `json:"ts"`
	T          json.RawMessage `json:"t"`
	AtT        json.RawMessage `json:"@t"`
	EventTime  json.RawMessage `json:"eventTime"`
	TimeMillis json.RawMessage `json:"timeMillis"`
	Asctime    json.RawMessage `json:"asctime"`
	Datetime   json.RawMessage `json:"datetime"`
	Date       json.RawMessage `json:"date"`
	Instant    json.RawMessage `json:"instant"`
	Realtime   json.RawMessage `json:"__REALTIME_TIMESTAMP"`
	Seconds    json.RawMessage `json:"timestampSeconds"`
	TimeLocal  json.RawMessage `json:"time_local"`
	TimeISO    json.RawMessage `json:"time_iso8601"`

	Severity     json.RawMessage `json:"severity"`
	SeverityText json.RawMessage `json:"severityText"`
	LevelName    json.RawMessage `json:"levelname"`
	LevelName2   json.RawMessage `json:"level_name"`
	LogLevel     json.RawMessage `json:"loglevel"`
	DotLevel     json.RawMessage `json:"log.level"`
	Level        json.RawMessage `json:"level"`
	Lvl          json.RawMessage `json:"lvl"`
	L            json.RawMessage `json:"l"`
	AtL          json.RawMessage `json:"@l"`
	Levelno      json.RawMessage `json:"levelno"`
	Priority     json.RawMessage `json:"PRIORITY"`
	Number       json.RawMessage `json:"severityNumber"`

	Message  json.RawMessage `json:"message"`
	Msg      json.RawMessage `json:"msg"`
	Event    json.RawMessage `json:"event"`
	Short    json.RawMessage `json:"short_message"`
	Body     json.RawMessage `json:"body"`
	AtM      json.RawMessage `json:"@m"`
	Template json.RawMessage `json:"@mt"`
	M        json.RawMessage `json:"m"`
	// Log is the message of a container's log, or an object of the Elastic Common Schema.
	Log json.RawMessage `json:"log"`
	// Fields and Record hold all else in the logs of Rust's tracing and of loguru.
	Fields json.RawMessage `json:"fields"`
	Record json.RawMessage `json:"record"`
	Text   json.RawMessage `json:"text"`

	TraceID  json.RawMessage `json:"trace_id"`
	TraceID2 json.RawMessage `json:"traceId"`
	DotTrace json.RawMessage `json:"trace.id"`
	GCPTrace json.RawMessage `json:"logging.googleapis.com/trace"`
	SpanID   json.RawMessage `json:"span_id"`
	SpanID2  json.RawMessage `json:"spanId"`
	DotSpan  json.RawMessage `json:"span.id"`
	GCPSpan  json.RawMessage `json:"logging.googleapis.com/spanId"`

	Service json.RawMessage `json:"service"`
}

// Parse reads a JSON object; not ok for any other line.
func Parse(line []byte) (r Record, ok bool) {
	if r, ok = parseOwn(line); ok {
		return r, true
	}
	var f fields
	if len(line) == 0 || line[0] != '{' || json.Unmarshal(line, &f) != nil {
		return Record{}, false
	}
	r.readTime(&f)
	r.Level = f.level()
	r.Message = f.message()
	r.TraceID = lastPart(first(f.TraceID, f.TraceID2, f.DotTrace, f.GCPTrace))
	r.SpanID = first(f.SpanID, f.SpanID2, f.DotSpan, f.GCPSpan)
	r.Service = text(f.Service)
	return r, true
}

// ownStart is how the records of the shop's own services begin, which are most of all.
const ownStart = `{"timestamp":"`

// parseOwn reads a record of the shop's own form; not ok for any other, and for one of which something cannot be read.
func parseOwn(line []byte) (r Record, ok bool) {
	if !bytes.HasPrefix(line, []byte(ownStart)) {
		return Record{}, false
	}
	var own struct {
		Timestamp, Severity, Message string
		TraceID                      string `json:"trace_id"`
		SpanID                       string `json:"span_id"`
		Service                      string
	}
	if json.Unmarshal(line, &own) != nil || own.Severity == "" || own.Message == "" || own.TraceID == "" || own.SpanID == "" {
		return Record{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, own.Timestamp)
	return Record{Time: at, Level: Level(own.Severity), Message: own.Message, TraceID: own.TraceID, SpanID: own.SpanID, Service: own.Service}, err == nil
}

// HasOwnTime reports whether a line that came at a moment is a JSON object that begins with a time in the form of the shop's
// own services.
func HasOwnTime(line []byte, came time.Time) bool {
	rest, found := bytes.CutPrefix(line, []byte(ownStart))
	stamp, _, closed := bytes.Cut(rest, []byte{'"'})
	if !found || !closed {
		return false
	}
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	r := Record{Time: at}
	_, right := r.TimeAt(came)
	return err == nil && right && json.Valid(line)
}

func (r *Record) readTime(f *fields) {
	for _, value := range [...]json.RawMessage{
		f.Timestamp, f.AtTime, f.Time, f.TS, f.T, f.AtT, f.EventTime, f.TimeMillis, f.Instant, f.Realtime, f.Seconds, f.Asctime, f.Datetime,
		f.TimeISO, f.TimeLocal, f.Date, member(f.Record, "time"),
	} {
		if len(value) == 0 {
			continue
		}
		if at, noZone, ok := timeOf(value); ok {
			r.Time, r.NoZone = at, noZone
			return
		}
	}
}

// level prefers words to numbers, since the meaning of a number depends on the logger.
func (f *fields) level() string {
	words := [...]json.RawMessage{
		f.Severity, f.SeverityText, f.LevelName, f.LevelName2, f.LogLevel, f.DotLevel, f.Level, f.Lvl, f.AtL, member(f.Log, "level"),
		member(member(f.Record, "level"), "name"), f.L,
	}
	for _, value := range words {
		if word := text(value); word != "" && !numeric(word) {
			return Level(word)
		}
	}
	switch {
	case len(f.Priority) > 0:
		return syslogLevel(number(f.Priority))
	case len(f.Severity) > 0:
		return syslogLevel(number(f.Severity))
	case len(f.Number) > 0:
		return otelLevel(number(f.Number))
	case len(f.Level) > 0:
		return numberLevel(number(f.Level))
	case len(f.Levelno) > 0:
		return pythonLevel(number(f.Levelno))
	}
	return ""
}

func (f *fields) message() string {
	m := first(f.Message, f.Msg, f.Short, f.AtM, f.Template, member(f.Fields, "message"), member(f.Record, "message"), f.Event, f.Log, f.Body, f.M, f.Text)
	return strings.TrimRight(m, "\r\n")
}

// Shown reports whether a field of a JSON record is in the columns of time, level and message.
func Shown(name string) bool {
	switch strings.ToLower(name) {
	case "time", "timestamp", "@timestamp", "ts", "t", "@t", "eventtime", "timemillis", "asctime", "datetime", "instant", "__realtime_timestamp",
		"level", "severity", "severitytext", "severitynumber", "levelname", "level_name", "levelno", "loglevel", "log.level", "lvl", "@l", "priority",
		"msg", "message", "short_message", "@m", "@mt":
		return true
	}
	return false
}

func first(values ...json.RawMessage) string {
	for _, value := range values {
		if s := text(value); s != "" {
			return s
		}
	}
	return ""
}

// text is a value that is a string.
func text(value json.RawMessage) string {
	var s string
	if len(value) == 0 || value[0] != '"' || json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// member is a field of a value that is an object.
func member(value json.RawMessage, name string) json.RawMessage {
	value = bytes.TrimSpace(value)
	var object map[string]json.RawMessage
	if len(value) == 0 || value[0] != '{' || json.Unmarshal(value, &object) != nil {
		return nil
	}
	return object[name]
}

// lastPart is the id of a trace that is written as "projects/NAME/traces/ID".
func lastPart(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
