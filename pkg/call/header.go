package call

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
)

// headers checks the request's headers and adds the trace's.
func (c *Caller) headers(r Request) (headers []string, traceID string, err error) {
	for _, h := range r.Headers {
		if err := checkHeader(h); err != nil {
			return nil, "", err
		}
		headers = append(headers, h)
	}
	if !r.Trace {
		return headers, "", nil
	}
	var ids [16]byte
	if _, err := io.ReadFull(c.cfg.Rand, ids[:]); err != nil {
		return nil, "", fmt.Errorf("make a trace id: %w", err)
	}
	traceID = hex.EncodeToString(ids[:])
	// https://www.w3.org/TR/trace-context/: version, trace id, span id, flags (sampled).
	// Half of the trace's id as the parent: the shop does not wait for a span of ours, which would come from nowhere.
	return append(headers, fmt.Sprintf("traceparent: 00-%s-%s-01", traceID, traceID[16:])), traceID, nil
}

// checkHeader refuses a header that gRPC would not send, or not as it was given: pseudo-headers, those of the transport and
// of gRPC, and names and values with other characters than are allowed
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Custom-Metadata). A name in upper case is sent in lower case.
func checkHeader(header string) error {
	if pseudo, ok := strings.CutPrefix(header, ":"); ok && strings.Contains(pseudo, ":") {
		name, _, _ := strings.Cut(pseudo, ":")
		return &Invalid{Text: fmt.Sprintf("header %q is a pseudo-header of HTTP/2 and cannot be set", ":"+strings.ToLower(strings.TrimSpace(name))), Hint: "leave it out, or choose a name without a colon in front"}
	}
	name, value, ok := strings.Cut(header, ":")
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	switch {
	case !ok || name == "":
		return &Invalid{Text: fmt.Sprintf("header %q is not \"name: value\"", header), Hint: "-H 'x-request-id: 42'"}
	case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "":
		return &Invalid{Text: fmt.Sprintf("header %q cannot be sent: a name has only letters, digits and -, _ and .", name), Hint: "-H 'x-request-id: 42'"}
	case strings.HasPrefix(name, "grpc-"):
		return &Invalid{Text: fmt.Sprintf("header %q is gRPC's own", name), Hint: "choose a name that does not start with grpc-"}
	case slices.Contains(transportHeaders, name):
		return &Invalid{Text: fmt.Sprintf("header %q belongs to the transport and cannot be set", name), Hint: "leave it out, or choose a name of your own, such as x-" + name}
	}
	return checkHeaderValue(name, value)
}

var transportHeaders = []string{
	"connection", "content-length", "content-type", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
}

// checkHeaderValue refuses a value that is not printable ASCII or, for a name that ends in -bin, not base64.
func checkHeaderValue(name, value string) error {
	if strings.HasSuffix(name, "-bin") {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if _, err := encoding.DecodeString(value); err == nil && !strings.ContainsAny(value, "\r\n") {
				return nil
			}
		}
		return &Invalid{Text: fmt.Sprintf("header %q cannot be sent: its value must be base64, not %q", name, value), Hint: fmt.Sprintf("-H '%s: aGVsbG8='", name)}
	}
	for _, r := range value {
		if r < ' ' || r > '~' {
			return &Invalid{
				Text: fmt.Sprintf("header %q cannot be sent: its value has %q, and only printable ASCII is allowed", name, r),
				Hint: fmt.Sprintf("-H '%s-bin: BASE64' takes any bytes", name),
			}
		}
	}
	return nil
}
