package route

import (
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// hashPolicy is what of a request decides its host, where hosts are picked by a hash.
type hashPolicy struct {
	header, cookie, query string
	path                  string
	ttl                   *time.Duration
	sourceIP, terminal    bool
}

func compileHash(policies []*routev3.RouteAction_HashPolicy) ([]hashPolicy, error) {
	var all []hashPolicy
	for _, p := range policies {
		h := hashPolicy{terminal: p.GetTerminal()}
		switch kind := p.GetPolicySpecifier().(type) {
		case *routev3.RouteAction_HashPolicy_Header_:
			h.header = strings.ToLower(kind.Header.GetHeaderName())
		case *routev3.RouteAction_HashPolicy_Cookie_:
			h.cookie, h.path = kind.Cookie.GetName(), kind.Cookie.GetPath()
			if kind.Cookie.GetTtl() != nil {
				ttl := kind.Cookie.GetTtl().AsDuration()
				h.ttl = &ttl
			}
		case *routev3.RouteAction_HashPolicy_QueryParameter_:
			h.query = kind.QueryParameter.GetName()
		case *routev3.RouteAction_HashPolicy_ConnectionProperties_:
			h.sourceIP = kind.ConnectionProperties.GetSourceIp()
		default:
			return nil, fmt.Errorf("a hash by %T is not supported", kind)
		}
		all = append(all, h)
	}
	return all, nil
}

// hashText makes of equal texts equal hashes, in all sidecars and after a restart.
func hashText(text string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	h ^= h >> 33 // the lowest bits of short texts differ little
	h *= 0xff51afd7ed558ccd
	return h ^ h>>33
}

// Hashes reports whether requests have a hash at all.
func (r *Route) Hashes() bool { return len(r.hash) > 0 }

// Hash returns the hash by which a request's host is picked, and false where the request has nothing to hash: any host
// will do then. A cookie that is to be set goes into the response.
func (r *Route) Hash(request *field.Request, sourceIP string) (hash uint64, ok bool, setCookie string) {
	for _, p := range r.hash {
		text, found, cookie := p.text(request, sourceIP)
		if cookie != "" {
			setCookie = cookie
		}
		if !found {
			continue
		}
		hash = hash<<1 | hash>>63
		hash ^= hashText(text)
		if ok = true; p.terminal {
			break
		}
	}
	return hash, ok, setCookie
}

// text is what one policy hashes.
func (p *hashPolicy) text(r *field.Request, sourceIP string) (text string, ok bool, setCookie string) {
	switch {
	case p.header != "":
		text, ok = r.Lookup(p.header)
	case p.query != "":
		text, ok = r.QueryValue(p.query)
	case p.sourceIP:
		text, ok = sourceIP, sourceIP != ""
	case p.cookie != "":
		if text, ok = Cookie(r.Fields, p.cookie); !ok && p.ttl != nil {
			return p.newCookie()
		}
	}
	return text, ok, ""
}

// newCookie makes a value for callers that come back.
func (p *hashPolicy) newCookie() (text string, ok bool, setCookie string) {
	text = fmt.Sprintf("%016x", maphash.Comparable(maphash.MakeSeed(), time.Now().UnixNano()))
	setCookie = p.cookie + `="` + text + `"`
	if *p.ttl > 0 {
		setCookie += fmt.Sprintf("; Max-Age=%d", int64(p.ttl.Seconds()))
	}
	if p.path != "" {
		setCookie += "; Path=" + p.path
	}
	return text, true, setCookie + "; HttpOnly"
}

// Cookie returns the first cookie of a name.
func Cookie(f field.Fields, name string) (string, bool) {
	for _, h := range f {
		if h.Name != "cookie" {
			continue
		}
		for pair := range strings.SplitSeq(h.Value, ";") {
			if key, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok && key == name {
				return strings.Trim(value, `"`), true
			}
		}
	}
	return "", false
}
