package jwt

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	jwtv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/jwt_authn/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// check is the check of one request.
type check struct {
	fields   *field.Fields
	now      time.Time
	metadata map[string]any
}

// requirement is what tokens a request has to have.
type requirement func(c *check) status

func (f *Filter) compileRequirement(in *jwtv3.JwtRequirement) (requirement, error) {
	switch kind := in.GetRequiresType().(type) {
	case *jwtv3.JwtRequirement_ProviderName:
		return f.named(kind.ProviderName, nil)
	case *jwtv3.JwtRequirement_ProviderAndAudiences:
		return f.named(kind.ProviderAndAudiences.GetProviderName(), sanitized(kind.ProviderAndAudiences.GetAudiences()))
	case *jwtv3.JwtRequirement_RequiresAny:
		return f.compileAny(kind.RequiresAny.GetRequirements())
	case *jwtv3.JwtRequirement_RequiresAll:
		return f.compileAll(kind.RequiresAll.GetRequirements())
	case *jwtv3.JwtRequirement_AllowMissing:
		return f.allowMissing(), nil
	case nil:
		return func(*check) status { return valid }, nil
	}
	return nil, fmt.Errorf("a requirement by %T is not supported", in.GetRequiresType())
}

func (f *Filter) named(name string, audiences []string) (requirement, error) {
	p := f.providers[name]
	if p == nil {
		return nil, fmt.Errorf("there is no provider %q", name)
	}
	if len(audiences) == 0 {
		audiences = p.audiences
	}
	return func(c *check) status { return c.verify([]*provider{p}, audiences) }, nil
}

// compileAny: one of several is enough, and where no token at all is fine, that none of the others found one.
func (f *Filter) compileAny(in []*jwtv3.JwtRequirement) (requirement, error) {
	var all []requirement
	missingIsFine := false
	for _, one := range in {
		if _, ok := one.GetRequiresType().(*jwtv3.JwtRequirement_AllowMissing); ok {
			missingIsFine = true
			continue
		}
		compiled, err := f.compileRequirement(one)
		if err != nil {
			return nil, err
		}
		all = append(all, compiled)
	}
	if len(all) == 0 && missingIsFine {
		return f.allowMissing(), nil
	}
	return func(c *check) status {
		result := missing
		for _, one := range all {
			s := one(c)
			if s == valid {
				return valid
			}
			if result == missing || s != missing && s != unknownIssuer {
				result = s // what is wrong with a token says more than that there is none, or another's
			}
		}
		if result == missing && missingIsFine {
			return valid
		}
		return result
	}, nil
}

func (f *Filter) compileAll(in []*jwtv3.JwtRequirement) (requirement, error) {
	var all []requirement
	for _, one := range in {
		compiled, err := f.compileRequirement(one)
		if err != nil {
			return nil, err
		}
		all = append(all, compiled)
	}
	return func(c *check) status {
		for _, one := range all {
			if s := one(c); s != valid {
				return s
			}
		}
		return valid
	}, nil
}

// allowMissing takes a request without a token. One that has some needs valid ones.
func (f *Filter) allowMissing() requirement {
	var providers []*provider
	for _, name := range slices.Sorted(maps.Keys(f.providers)) {
		providers = append(providers, f.providers[name])
	}
	return func(c *check) status {
		s := c.verify(providers, nil)
		if s == missing {
			return valid
		}
		return s
	}
}

// verify checks all tokens where providers look for them. All have to be valid: the callee could take the one that is
// not for the one that was checked.
func (c *check) verify(providers []*provider, audiences []string) status {
	var places []location
	for _, p := range providers {
		for _, at := range p.places {
			if !slices.Contains(places, at) {
				places = append(places, at)
			}
		}
	}
	tokens := find(places, *c.fields)
	if len(tokens) == 0 {
		return missing
	}
	type good struct {
		provider *provider
		token    *token
		at       location
	}
	var all []good
	for _, one := range tokens {
		t, s := parse(one.text)
		if s != valid {
			return s
		}
		p := issuerOf(providers, t.issuer, one.at)
		if p == nil {
			return unknownIssuer
		}
		if s := p.check(t, c.now, audiences); s != valid {
			return s
		}
		all = append(all, good{p, t, one.at})
	}
	for i := len(all) - 1; i >= 0; i-- { // the first one's claims are those that count
		all[i].provider.accepted(all[i].token, all[i].at, c)
	}
	return valid
}

// issuerOf is the provider of an issuer that looks for tokens at a place, else one of any issuer.
func issuerOf(providers []*provider, issuer string, at location) *provider {
	var any *provider
	for _, p := range providers {
		if !slices.Contains(p.places, at) {
			continue
		}
		switch p.issuer {
		case issuer:
			return p
		case "":
			any = p
		}
	}
	return any
}

// check checks a token of the provider's: its time, whom it is for, and only then its signature, as Envoy does.
func (p *provider) check(t *token, now time.Time, audiences []string) status {
	if s := t.checkTime(now, p.skew); s != valid {
		return s
	}
	if len(audiences) == 0 {
		audiences = p.audiences
	}
	if len(audiences) > 0 {
		for _, a := range sanitized(t.audiences) {
			if slices.Contains(audiences, a) {
				return t.verify(p.keys)
			}
		}
		return audienceForbidden
	}
	return t.verify(p.keys)
}

// sanitized are audiences without scheme and slash at the end, which do not count.
func sanitized(audiences []string) []string {
	out := make([]string, 0, len(audiences))
	for _, a := range audiences {
		if rest, ok := strings.CutPrefix(a, "https://"); ok {
			a = rest
		} else {
			a = strings.TrimPrefix(a, "http://")
		}
		out = append(out, strings.TrimSuffix(a, "/"))
	}
	return out
}
