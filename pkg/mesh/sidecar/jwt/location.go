package jwt

import (
	"net/url"
	"slices"
	"strings"

	jwtv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/jwt_authn/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/route"
)

// location is where a token can stand. Exactly one of its names is set.
type location struct {
	header, prefix string
	param, cookie  string
}

func locations(p *jwtv3.JwtProvider) []location {
	var all []location
	for _, h := range p.GetFromHeaders() {
		all = append(all, location{header: strings.ToLower(h.GetName()), prefix: h.GetValuePrefix()})
	}
	for _, name := range p.GetFromParams() {
		all = append(all, location{param: name})
	}
	for _, name := range p.GetFromCookies() {
		all = append(all, location{cookie: name})
	}
	if len(all) == 0 {
		all = []location{{header: "authorization", prefix: "Bearer "}, {param: "access_token"}}
	}
	return all
}

// found is a token of a request.
type found struct {
	text string
	at   location
}

// find returns the tokens of a request: those in headers first, then those of the query, then cookies.
func find(places []location, f field.Fields) []found {
	var all []found
	add := func(text string, at location) {
		if f := (found{text, at}); !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	for _, at := range places {
		switch {
		case at.header != "":
			for _, h := range f {
				if h.Name != at.header {
					continue
				}
				if _, text, ok := strings.Cut(h.Value, at.prefix); ok {
					add(strings.TrimSpace(text), at)
				}
			}
		case at.param != "":
			r := field.ReadRequest(f)
			if query, err := url.ParseQuery(r.Query()); err == nil || len(query) > 0 {
				for _, text := range query[at.param] {
					add(text, at)
				}
			}
		default:
			if text, ok := route.Cookie(f, at.cookie); ok {
				add(text, at)
			}
		}
	}
	return all
}

// remove takes a token out of a request. A cookie stays, as in Envoy.
func (at location) remove(f *field.Fields) {
	switch {
	case at.header != "":
		f.Del(at.header)
	case at.param != "":
		path := f.Get(":path")
		before, query, ok := strings.Cut(path, "?")
		if !ok {
			return
		}
		kept := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
			name, _, _ := strings.Cut(pair, "=")
			decoded, err := url.QueryUnescape(name)
			return err == nil && decoded == at.param
		})
		if len(kept) > 0 {
			before += "?" + strings.Join(kept, "&")
		}
		f.Set(":path", before)
	}
}
