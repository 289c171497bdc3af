package proxy

import (
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// response is what the sidecar itself answers.
type response struct {
	status  int
	body    string
	details string
	extra   field.Fields
	grpc    *codes.Code // for gRPC, instead of what the status means there
	plain   bool        // not translated for gRPC
}

// reply answers the request without its callee.
func (c *call) reply(r response) {
	c.e.Details = r.details
	if !c.req.IsGRPC() || r.plain {
		fields := field.Fields{{Name: ":status", Value: strconv.Itoa(r.status)}}
		if r.body != "" {
			fields = append(fields, field.Fields{
				{Name: "content-length", Value: strconv.Itoa(len(r.body))}, {Name: "content-type", Value: "text/plain"},
			}...)
		}
		c.answer(append(fields, r.extra...), r.body)
		return
	}
	code := grpcStatus(r.status)
	if r.grpc != nil {
		code = *r.grpc
	}
	fields := field.Fields{
		{Name: ":status", Value: "200"},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "grpc-status", Value: strconv.Itoa(int(code))},
	}
	if r.body != "" {
		fields = append(fields, field.Fields{{Name: "grpc-message", Value: encodeMessage(r.body)}}...)
	}
	c.answer(append(fields, r.extra...), "")
}

// answer sends a whole response, and ends the call.
func (c *call) answer(fields field.Fields, body string) {
	if c.route != nil {
		c.route.CORS.ChangeResponse(&c.req, &fields)
		c.route.ChangeResponse(c.target, &c.req, &fields)
	}
	c.note(fields)
	if c.req.Method == "HEAD" {
		body = ""
	}
	c.e.BytesSent += int64(len(body))
	c.finish()
	_ = c.down.WriteHeaders(fields, body == "")
	if body != "" {
		_ = c.down.WriteData([]byte(body), true)
	}
}

// note keeps the status of a response for the log.
func (c *call) note(fields field.Fields) {
	if status := fields.Get(":status"); status != "" {
		c.e.Status, _ = strconv.Atoi(status)
	}
	if status := fields.Get("grpc-status"); status != "" {
		c.e.GRPCStatus = status
	}
}

// grpcStatus is the status of gRPC for one of HTTP that a proxy answers with.
func grpcStatus(status int) codes.Code {
	switch status {
	case 400:
		return codes.Internal
	case 401:
		return codes.Unauthenticated
	case 403:
		return codes.PermissionDenied
	case 404:
		return codes.Unimplemented
	case 429, 502, 503, 504:
		return codes.Unavailable
	}
	return codes.Unknown
}

// encodeMessage writes a text as grpc-message has it.
func encodeMessage(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		if ch := text[i]; ch >= ' ' && ch <= '~' && ch != '%' {
			b.WriteByte(ch)
		} else {
			b.WriteByte('%')
			b.WriteByte(digits[ch>>4])
			b.WriteByte(digits[ch&15])
		}
	}
	return b.String()
}
