// Package record is what remains of a request that a sidecar has handled: a line of Istio's access log, and the
// measurements by which the edges of a shop are known.
package record

import (
	"strconv"
	"strings"
	"time"
)

// Entry is one request, or one connection whose requests are not read.
type Entry struct {
	Start    time.Time
	Duration time.Duration
	// Inbound: the request came to the workload. Otherwise the workload sent it.
	Inbound bool

	Method, Path, Protocol, Authority              string
	RequestID, UserAgent, ForwardedFor, ServerName string
	Status                                         int
	GRPC                                           bool
	GRPCStatus                                     string // "" where there was none
	Flags                                          Flags
	Details, Termination, TransportFailure         string
	BytesReceived, BytesSent                       int64
	ServiceTime                                    time.Duration // until the headers of the response; 0: none came
	UpstreamHost, UpstreamLocal, Cluster           string
	DownstreamLocal, DownstreamRemote              string
	Route, Operation, Config                       string // Config is the path of the object that the route was made of
	Rule, Match                                    string // the parts of that object
	// Policy is the rule that let the request in, Shadow the one in a dry run that would not have, "none" that none would; "" where
	// there is nothing to say.
	Policy, Shadow string
	Attempts       int
	// Version is that of the instance that was called last, if the control plane has told it.
	Version   string
	MutualTLS bool
	// Span is the request's, in the trace of its caller; the zero value without a trace.
	Span SpanContext
	// Principal is the caller's for an inbound request, and the callee's for an outbound one.
	Principal string
}

// Flags are why a request did not end as its callee wanted. See Flags.String.
type Flags uint32

// Flags by Envoy's names.
const (
	NR Flags = 1 << iota
	NC
	UH
	UF
	UC
	UR
	LR
	UO
	UT
	URX
	DI
	FI
	DC
	DPE
	UPE
)

// String is the flags as the access log has them: "UF,URX", or "-".
func (f Flags) String() string {
	if f == 0 {
		return "-"
	}
	var all []string
	for i, name := range [...]string{"NR", "NC", "UH", "UF", "UC", "UR", "LR", "UO", "UT", "URX", "DI", "FI", "DC", "DPE", "UPE"} {
		if f&(1<<i) != 0 {
			all = append(all, name)
		}
	}
	return strings.Join(all, ",")
}

// Append appends the entry as a line of Istio's access log.
func (e *Entry) Append(b []byte) []byte {
	b = append(b, '[')
	b = e.Start.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, ']')
	if e.Method == "" {
		b = append(b, ` "- - -"`...)
	} else {
		b = appendQuoted(b, e.Method, e.Path, e.Protocol)
	}
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(e.Status), 10)
	b = appendWord(b, e.Flags.String())
	b = appendWord(b, e.Details)
	b = appendWord(b, e.Termination)
	b = appendQuoted(b, e.TransportFailure)
	for _, n := range [...]int64{e.BytesReceived, e.BytesSent, e.Duration.Milliseconds()} {
		b = strconv.AppendInt(append(b, ' '), n, 10)
	}
	b = append(b, ' ')
	if e.ServiceTime > 0 {
		b = strconv.AppendInt(b, e.ServiceTime.Milliseconds(), 10)
	} else {
		b = append(b, '-')
	}
	for _, text := range [...]string{e.ForwardedFor, e.UserAgent, e.RequestID, e.Authority, e.UpstreamHost} {
		b = appendQuoted(b, text)
	}
	for _, text := range [...]string{e.Cluster, e.UpstreamLocal, e.DownstreamLocal, e.DownstreamRemote, e.ServerName, e.Route} {
		b = appendWord(b, text)
	}
	return append(b, '\n')
}

// appendQuoted appends a column of several values, in quotes.
func appendQuoted(b []byte, values ...string) []byte {
	for i, text := range values {
		b = append(b, ' ')
		if i == 0 {
			b = append(b, '"')
		}
		if text = or(text); isPlain(text) {
			b = append(b, text...)
		} else {
			quoted := strconv.Quote(text)
			b = append(b, quoted[1:len(quoted)-1]...)
		}
	}
	return append(b, '"')
}

// appendWord appends a column, and keeps its value one word, so that the columns of a line stay apart, and a line one line.
func appendWord(b []byte, text string) []byte {
	b = append(b, ' ')
	if text = or(text); isPlain(text) && strings.IndexByte(text, ' ') < 0 {
		return append(b, text...)
	}
	return append(b, strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, text)...)
}

// isPlain reports whether a text is the same in quotes.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func or(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
