package field

import (
	"strings"
)

// Request is a request as conditions see it.
type Request struct {
	Method, Scheme, Authority string
	// Path has the query, if there is one.
	Path string
	// Fields are all of the request's, among them the pseudo-fields above.
	Fields Fields
}

// ReadRequest reads the pseudo-fields, which stand first.
func ReadRequest(f Fields) Request {
	r := Request{Fields: f}
	for i := range f {
		if !strings.HasPrefix(f[i].Name, ":") {
			break
		}
		switch f[i].Name {
		case ":method":
			r.Method = f[i].Value
		case ":scheme":
			r.Scheme = f[i].Value
		case ":authority":
			r.Authority = f[i].Value
		case ":path":
			r.Path = f[i].Value
		}
	}
	return r
}

// Lookup returns the value of a name, also of a pseudo-field, and reports whether it occurs.
func (r *Request) Lookup(name string) (string, bool) {
	switch name {
	case ":method":
		return r.Method, r.Method != ""
	case ":scheme":
		return r.Scheme, r.Scheme != ""
	case ":authority", "host":
		return r.Authority, r.Authority != ""
	case ":path":
		return r.Path, r.Path != ""
	}
	return r.Fields.Lookup(name)
}

// PathOnly is the path without query and fragment.
func (r *Request) PathOnly() string {
	if i := strings.IndexAny(r.Path, "?#"); i >= 0 {
		return r.Path[:i]
	}
	return r.Path
}

// Query is what follows the question mark, without a fragment.
func (r *Request) Query() string {
	path, _, _ := strings.Cut(r.Path, "#")
	_, query, _ := strings.Cut(path, "?")
	return query
}

// QueryValue returns the first value of a name in the query, as it is written there, and reports whether the name occurs.
func (r *Request) QueryValue(name string) (string, bool) {
	for rest := r.Query(); rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// IsGRPC reports whether the request is one of gRPC: what a sidecar itself answers must then be a status of gRPC.
func (r *Request) IsGRPC() bool {
	kind, ok := strings.CutPrefix(r.Fields.Get("content-type"), "application/grpc")
	return ok && (kind == "" || kind[0] == '+' || kind[0] == ';')
}

// WithoutPort is an authority without its port.
func WithoutPort(authority string) string {
	i := strings.LastIndexByte(authority, ':')
	if i < 0 || strings.IndexByte(authority[i:], ']') >= 0 {
		return authority
	}
	for _, c := range authority[i+1:] {
		if c < '0' || c > '9' {
			return authority
		}
	}
	if strings.IndexByte(authority[:i], ':') >= 0 && authority[0] != '[' {
		return authority // an address of IPv6 without brackets has no port
	}
	return authority[:i]
}
