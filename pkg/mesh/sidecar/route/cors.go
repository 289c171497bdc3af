package route

import (
	corsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/match"
)

// CORS lets browsers know which sites may call.
type CORS struct {
	origins                          []match.String
	methods, headers, expose, maxAge string
	credentials                      bool
	keepsPreflights                  bool // those of other origins are not passed on
}

func compileCORS(in *corsv3.CorsPolicy) (*CORS, error) {
	c := &CORS{
		methods: in.GetAllowMethods(), headers: in.GetAllowHeaders(), expose: in.GetExposeHeaders(), maxAge: in.GetMaxAge(),
		credentials:     in.GetAllowCredentials().GetValue(),
		keepsPreflights: in.GetForwardNotMatchingPreflights() != nil && !in.GetForwardNotMatchingPreflights().GetValue(),
	}
	if enabled := in.GetFilterEnabled(); enabled != nil && compileShare(enabled.GetDefaultValue()).n == 0 {
		return nil, nil
	}
	for _, m := range in.GetAllowOriginStringMatch() {
		if m.GetExact() == "*" {
			c.origins = append(c.origins, func(string) bool { return true })
			continue
		}
		origin, err := match.CompileString(m)
		if err != nil {
			return nil, err
		}
		c.origins = append(c.origins, origin)
	}
	return c, nil
}

// allows returns the origin of a request, if it may call.
func (c *CORS) allows(r *field.Request) (string, bool) {
	if c == nil {
		return "", false
	}
	origin := r.Fields.Get("origin")
	if origin == "" {
		return "", false
	}
	for _, fits := range c.origins {
		if fits(origin) {
			return origin, true
		}
	}
	return "", false
}

// Preflight returns the response to a browser's question whether it may call, for an origin that may. The question is
// not passed on then. Others are, unless the policy keeps them: what answers decides.
func (c *CORS) Preflight(r *field.Request) (field.Fields, bool) {
	if c == nil || r.Method != "OPTIONS" || r.Fields.Get("origin") == "" || r.Fields.Get("access-control-request-method") == "" {
		return nil, false
	}
	origin, ok := c.allows(r)
	if !ok {
		return field.Fields{{Name: ":status", Value: "200"}}, c.keepsPreflights
	}
	f := field.Fields{{Name: ":status", Value: "200"}, {Name: "access-control-allow-origin", Value: origin}}
	if c.credentials {
		f = append(f, hpack.HeaderField{Name: "access-control-allow-credentials", Value: "true"})
	}
	for _, h := range []hpack.HeaderField{
		{Name: "access-control-allow-methods", Value: c.methods},
		{Name: "access-control-allow-headers", Value: c.headers},
		{Name: "access-control-max-age", Value: c.maxAge},
	} {
		if h.Value != "" {
			f = append(f, h)
		}
	}
	return f, true
}

// ChangeResponse adds to a response what lets the browser of an allowed origin read it.
func (c *CORS) ChangeResponse(r *field.Request, f *field.Fields) {
	origin, ok := c.allows(r)
	if !ok {
		return
	}
	f.Set("access-control-allow-origin", origin)
	if c.credentials {
		f.Set("access-control-allow-credentials", "true")
	}
	if c.expose != "" {
		f.Set("access-control-expose-headers", c.expose)
	}
}
