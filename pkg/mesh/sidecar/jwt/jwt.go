// Package jwt checks the tokens of requests, by a configuration compiled once from Envoy's resources. Keys are in the
// configuration: nothing is fetched.
package jwt

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	jwtv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/jwt_authn/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// FilterName is Envoy's name of the filter, under which its metadata is found.
const FilterName = "envoy.filters.http.jwt_authn"

// Filter checks tokens. It is not changed.
type Filter struct {
	providers       map[string]*provider
	rules           []rule
	bypassPreflight bool
}

type rule struct {
	fits     func(path string) bool
	requires requirement // nil: nothing
}

// provider is an issuer, and what its tokens are used for.
type provider struct {
	issuer    string // "": any
	audiences []string
	keys      []key
	places    []location
	forward   bool
	skew      time.Duration

	payloadHeader string
	pad           bool
	claimHeaders  [][2]string // claim, header
	metadata      string
	spaced        []string // claims that are lists with spaces between
}

// Compile compiles a filter.
func Compile(config *jwtv3.JwtAuthentication) (*Filter, error) {
	f := &Filter{providers: map[string]*provider{}, bypassPreflight: config.GetBypassCorsPreflight()}
	for name, in := range config.GetProviders() {
		p, err := compileProvider(in)
		if err != nil {
			return nil, fmt.Errorf("jwt provider %q: %w", name, err)
		}
		f.providers[name] = p
	}
	for _, in := range config.GetRules() {
		r := rule{}
		var err error
		if r.fits, err = compileMatch(in.GetMatch()); err != nil {
			return nil, fmt.Errorf("jwt rule: %w", err)
		}
		switch kind := in.GetRequirementType().(type) {
		case nil:
		case *jwtv3.RequirementRule_Requires:
			r.requires, err = f.compileRequirement(kind.Requires)
		case *jwtv3.RequirementRule_RequirementName:
			named := config.GetRequirementMap()[kind.RequirementName]
			if named == nil {
				return nil, fmt.Errorf("jwt rule: there is no requirement %q", kind.RequirementName)
			}
			r.requires, err = f.compileRequirement(named)
		}
		if err != nil {
			return nil, fmt.Errorf("jwt rule: %w", err)
		}
		f.rules = append(f.rules, r)
	}
	return f, nil
}

func compileMatch(m *routev3.RouteMatch) (func(path string) bool, error) {
	if len(m.GetHeaders())+len(m.GetQueryParameters()) == 0 {
		switch p := m.GetPathSpecifier().(type) {
		case *routev3.RouteMatch_Prefix:
			return func(path string) bool { return strings.HasPrefix(path, p.Prefix) }, nil
		case *routev3.RouteMatch_Path:
			return func(path string) bool { return path == p.Path }, nil
		}
	}
	return nil, fmt.Errorf("only a prefix and a path are supported")
}

func compileProvider(in *jwtv3.JwtProvider) (*provider, error) {
	p := &provider{
		issuer: in.GetIssuer(), audiences: sanitized(in.GetAudiences()), places: locations(in), forward: in.GetForward(),
		skew: time.Minute, payloadHeader: strings.ToLower(in.GetForwardPayloadHeader()), pad: in.GetPadForwardPayloadHeader(),
		metadata: in.GetPayloadInMetadata(), spaced: in.GetNormalizePayloadInMetadata().GetSpaceDelimitedClaims(),
	}
	if in.GetClockSkewSeconds() > 0 {
		p.skew = time.Duration(in.GetClockSkewSeconds()) * time.Second
	}
	for _, c := range in.GetClaimToHeaders() {
		p.claimHeaders = append(p.claimHeaders, [2]string{c.GetClaimName(), strings.ToLower(c.GetHeaderName())})
	}
	switch keys := in.GetJwksSourceSpecifier().(type) {
	case *jwtv3.JwtProvider_LocalJwks:
		text, err := inline(keys.LocalJwks)
		if err != nil {
			return nil, err
		}
		p.keys = parseKeys(text)
	case nil:
	default:
		return nil, fmt.Errorf("keys from %T are not supported: only keys in the configuration are", keys)
	}
	return p, nil
}

func inline(source *corev3.DataSource) (string, error) {
	switch s := source.GetSpecifier().(type) {
	case *corev3.DataSource_InlineString:
		return s.InlineString, nil
	case *corev3.DataSource_InlineBytes:
		return string(s.InlineBytes), nil
	}
	return "", fmt.Errorf("keys from %T are not supported: only keys in the configuration are", source.GetSpecifier())
}

// Authenticate checks the tokens of a request. It changes the request: tokens that are valid are taken out unless they
// are to be passed on, and headers that carry claims are the sidecar's alone. The metadata is nil without a valid token.
func (f *Filter) Authenticate(fields *field.Fields, now time.Time) (map[string]any, *Denial) {
	r := field.ReadRequest(*fields)
	if f.bypassPreflight && r.Method == "OPTIONS" && r.Fields.Get("origin") != "" && r.Fields.Get("access-control-request-method") != "" {
		return nil, nil
	}
	for _, rule := range f.rules {
		if !rule.fits(r.PathOnly()) {
			continue
		}
		if rule.requires == nil {
			return nil, nil
		}
		f.sanitize(fields)
		c := &check{fields: fields, now: now}
		if s := rule.requires(c); s != valid {
			return nil, denial(s, r.Scheme, r.Authority, r.Path)
		}
		return c.metadata, nil
	}
	return nil, nil
}

// sanitize removes the headers that carry claims: a caller could have made them up.
func (f *Filter) sanitize(fields *field.Fields) {
	for _, p := range f.providers {
		if p.payloadHeader != "" {
			fields.Del(p.payloadHeader)
		}
		for _, c := range p.claimHeaders {
			fields.Del(c[1])
		}
	}
}

// accepted is what follows from a valid token.
func (p *provider) accepted(t *token, at location, c *check) {
	if p.payloadHeader != "" {
		payload := t.payload
		for p.pad && len(payload)%4 != 0 {
			payload += "="
		}
		c.fields.Add(p.payloadHeader, payload)
	}
	for _, pair := range p.claimHeaders {
		if value := printed(t.claims, pair[0]); value != "" {
			c.fields.Add(pair[1], value)
		}
	}
	if !p.forward {
		at.remove(c.fields)
	}
	if p.metadata == "" {
		return
	}
	for _, name := range p.spaced {
		if list, ok := t.claims[name].(string); ok {
			var all []any
			for _, one := range strings.Fields(list) {
				all = append(all, one)
			}
			t.claims[name] = all
		}
	}
	if c.metadata == nil {
		c.metadata = map[string]any{}
	}
	c.metadata[p.metadata] = t.claims
}

// printed is a claim as a header has it: "a.b" is the claim b in the claim a.
func printed(claims map[string]any, name string) string {
	value, ok := claims[name]
	for !ok {
		var first string
		first, name, ok = strings.Cut(name, ".")
		if !ok {
			return ""
		}
		claims, ok = claims[first].(map[string]any)
		if !ok {
			return ""
		}
		value, ok = claims[name]
	}
	switch v := value.(type) {
	case string:
		if strings.ContainsAny(v, "\r\n\x00") {
			return "" // it is not a value of a header
		}
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
