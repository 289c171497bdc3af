package h2

import (
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2/hpack"
)

// What HTTP/2 calls malformed (RFC 9113, 8.1.1) is refused here, and not passed on for the next hop to read in its own way.
// Each check returns what is wrong, or "".

// checkRequest returns the fields with :authority in place of host.
func checkRequest(fields []hpack.HeaderField) ([]hpack.HeaderField, string) {
	var method, scheme, path, authority, host string
	seen := 0
	hosts := 0
	for i, f := range fields {
		if !f.IsPseudo() {
			if f.Name == "host" {
				hosts++
				host = f.Value
			}
			if reason := checkField(f); reason != "" {
				return nil, reason
			}
			continue
		}
		if i != seen {
			return nil, "a pseudo-header field after others"
		}
		seen++
		var to *string
		switch f.Name {
		case ":method":
			to = &method
		case ":scheme":
			to = &scheme
		case ":path":
			to = &path
		case ":authority":
			to = &authority
		default:
			return nil, "an unknown pseudo-header field"
		}
		if *to != "" || f.Value == "" {
			return nil, "the pseudo-header field " + f.Name + " is empty or there twice"
		}
		*to = f.Value
	}
	if reason := checkTarget(method, scheme, path, authority); reason != "" {
		return nil, reason
	}
	if hosts == 0 {
		return fields, ""
	}
	if hosts > 1 || host == "" || authority == "" && !validAuthority(host) {
		return nil, "an invalid host"
	}
	return authorityFirst(fields, seen, authority == ""), ""
}

// authorityFirst removes host, and makes it :authority if there is none: two names of one target are one too many.
func authorityFirst(fields []hpack.HeaderField, pseudo int, missing bool) []hpack.HeaderField {
	for i := pseudo; i < len(fields); i++ {
		if fields[i].Name != "host" {
			continue
		}
		f := hpack.HeaderField{Name: ":authority", Value: fields[i].Value}
		if missing {
			copy(fields[pseudo+1:i+1], fields[pseudo:i])
			fields[pseudo] = f
			return fields
		}
		return append(fields[:i], fields[i+1:]...)
	}
	return fields
}

func checkTarget(method, scheme, path, authority string) string {
	if !httpguts.ValidHeaderFieldName(method) { // the same characters
		return "an invalid method"
	}
	if authority != "" && !validAuthority(authority) {
		return "an invalid authority"
	}
	if method == "CONNECT" {
		if scheme != "" || path != "" || authority == "" {
			return "CONNECT takes :authority alone"
		}
		return ""
	}
	if !httpguts.ValidHeaderFieldName(scheme) {
		return "an invalid scheme"
	}
	if path == "*" && method == "OPTIONS" {
		return ""
	}
	if !strings.HasPrefix(path, "/") || !visible(path) || strings.IndexByte(path, '#') >= 0 {
		return "an invalid path"
	}
	return ""
}

func validAuthority(s string) bool { return visible(s) && !strings.ContainsAny(s, "/\\?#@,") }

// visible reports whether s has no space and no control character.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func checkField(f hpack.HeaderField) string {
	if !validName(f.Name) {
		return "an invalid header name"
	}
	if !httpguts.ValidHeaderFieldValue(f.Value) {
		return "an invalid value of " + f.Name
	}
	switch f.Name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return "the field " + f.Name + ", which belongs to HTTP/1.1"
	case "te":
		if f.Value != "trailers" {
			return "a value of te other than trailers"
		}
	}
	return ""
}

// validName reports whether s is a name in lower case.
func validName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && c != '-' && (c < '0' || c > '9') {
			if c >= 'A' && c <= 'Z' || !httpguts.IsTokenRune(rune(c)) {
				return false
			}
		}
	}
	return s != ""
}

func checkResponse(fields []hpack.HeaderField) (status int, reason string) {
	for i, f := range fields {
		if f.IsPseudo() {
			if i > 0 || f.Name != ":status" {
				return 0, "a pseudo-header field other than one :status at the beginning"
			}
			n, err := strconv.Atoi(f.Value)
			if err != nil || len(f.Value) != 3 || n < 100 {
				return 0, "an invalid :status"
			}
			status = n
			continue
		}
		if reason := checkField(f); reason != "" {
			return 0, reason
		}
	}
	if status == 0 {
		return 0, "no :status"
	}
	return status, ""
}

func checkTrailers(fields []hpack.HeaderField) string {
	for _, f := range fields {
		if f.IsPseudo() {
			return "a pseudo-header field among trailers"
		}
		if reason := checkField(f); reason != "" {
			return reason
		}
	}
	return ""
}

// declaredLength is content-length, or -1.
func declaredLength(fields []hpack.HeaderField, end bool) (int64, string) {
	declared := int64(-1)
	for _, f := range fields {
		if f.Name != "content-length" {
			continue
		}
		n, err := strconv.ParseUint(f.Value, 10, 63)
		if err != nil || declared >= 0 && declared != int64(n) {
			return -1, "an invalid content-length"
		}
		declared = int64(n)
	}
	if end && declared > 0 {
		return -1, "the body's length is not its content-length"
	}
	return declared, ""
}

func value(fields []hpack.HeaderField, name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// informational reports whether fields are of a response that another follows.
func informational(fields []hpack.HeaderField) bool {
	s := value(fields, ":status")
	return len(s) == 3 && s[0] == '1'
}

func listSize(fields []hpack.HeaderField) int {
	n := 0
	for _, f := range fields {
		n += int(f.Size())
	}
	return n
}
