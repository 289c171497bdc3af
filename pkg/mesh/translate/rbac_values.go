package translate

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	rbacv3 "github.com/envoyproxy/go-control-plane/envoy/config/rbac/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	templatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/path/match/uri_template/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
	security "istio.io/api/security/v1beta1"
)

// tokenFilter is the name of the filter that checks tokens, tokenPayload where it leaves their claims.
const tokenFilter, tokenPayload = "envoy.filters.http.jwt_authn", "payload"

// source is what a rule says of the caller itself.
func (p *AuthorizationPolicy) source(s *security.Source) []*rbacv3.Principal {
	var all []*rbacv3.Principal
	all = append(all, principals(s.GetPrincipals(), s.GetNotPrincipals(), identity)...)
	all = append(all, principals(s.GetRequestPrincipals(), s.GetNotRequestPrincipals(), tokenPrincipal)...)
	all = append(all, principals(s.GetNamespaces(), s.GetNotNamespaces(), namespace)...)
	all = append(all, principals(s.GetServiceAccounts(), s.GetNotServiceAccounts(), p.serviceAccount)...)
	all = append(all, principals(s.GetRemoteIpBlocks(), s.GetNotRemoteIpBlocks(), remoteIP)...)
	return append(all, principals(s.GetIpBlocks(), s.GetNotIpBlocks(), directIP)...)
}

// operation is what a rule says of the request itself.
func operation(o *security.Operation) []*rbacv3.Permission {
	var all []*rbacv3.Permission
	all = append(all, permissions(o.GetHosts(), o.GetNotHosts(), func(v string) *rbacv3.Permission { return header(":authority", v, true) })...)
	all = append(all, permissions(o.GetMethods(), o.GetNotMethods(), func(v string) *rbacv3.Permission { return header(":method", v, false) })...)
	all = append(all, permissions(o.GetPaths(), o.GetNotPaths(), urlPath)...)
	return append(all, permissions(o.GetPorts(), o.GetNotPorts(), destinationPort)...)
}

// conditions are the further ones of a rule: those on callers, and those on requests.
func (p *AuthorizationPolicy) conditions(when []*security.Condition) (callers []*rbacv3.Principal, calls []*rbacv3.Permission) {
	for _, c := range when {
		caller := func(one func(string) *rbacv3.Principal) {
			callers = append(callers, principals(c.GetValues(), c.GetNotValues(), one)...)
		}
		call := func(one func(string) *rbacv3.Permission) {
			calls = append(calls, permissions(c.GetValues(), c.GetNotValues(), one)...)
		}
		key, _, _ := strings.Cut(c.GetKey(), "[")
		switch key {
		case "source.ip":
			caller(directIP)
		case "remote.ip":
			caller(remoteIP)
		case "source.namespace":
			caller(namespace)
		case "source.principal":
			caller(identity)
		case "source.serviceAccount":
			caller(p.serviceAccount)
		case "request.auth.principal":
			caller(tokenPrincipal)
		case "request.auth.audiences":
			caller(func(v string) *rbacv3.Principal { return claim(v, "aud") })
		case "request.auth.presenter":
			caller(func(v string) *rbacv3.Principal { return claim(v, "azp") })
		case "request.auth.claims":
			caller(func(v string) *rbacv3.Principal { return claim(v, inBrackets(c.GetKey())...) })
		case "request.headers":
			caller(func(v string) *rbacv3.Principal { return callerHeader(inBrackets(c.GetKey())[0], v) })
		case "destination.ip":
			call(destinationIP)
		case "destination.port":
			call(destinationPort)
		case "connection.sni":
			call(requestedName)
		}
	}
	return callers, calls
}

// inBrackets are the names in a key: "request.auth.claims[a][b]".
func inBrackets(key string) []string {
	_, rest, _ := strings.Cut(key, "[")
	return strings.Split(strings.TrimSuffix(rest, "]"), "][")
}

// wildcard is a value of a policy after a prefix: exact, or with a * at its beginning or end; * alone is any that is not
// empty.
func wildcard(value, prefix string) *matcherv3.StringMatcher {
	switch {
	case value == "*":
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: regex(".+")}}
	case strings.HasPrefix(value, "*") && prefix != "":
		text := prefix + ".*" + regexp.QuoteMeta(value[1:])
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: regex(text)}}
	case strings.HasPrefix(value, "*"):
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Suffix{Suffix: value[1:]}}
	case strings.HasSuffix(value, "*"):
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: prefix + strings.TrimSuffix(value, "*")}}
	}
	return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: prefix + value}}
}

func peer(name *matcherv3.StringMatcher) *rbacv3.Principal {
	return &rbacv3.Principal{Identifier: &rbacv3.Principal_Authenticated_{
		Authenticated: &rbacv3.Principal_Authenticated{PrincipalName: name},
	}}
}

func peerLike(text string) *rbacv3.Principal {
	return peer(&matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: regex(text)}})
}

// identity is a caller by its certificate: "cluster.local/ns/production/sa/checkout".
func identity(value string) *rbacv3.Principal { return peer(wildcard(value, "spiffe://")) }

func namespace(value string) *rbacv3.Principal {
	return peerLike(".*/ns/" + strings.ReplaceAll(value, "*", ".*") + "/.*")
}

// serviceAccount is one of the policy's namespace, or of another: "staging/tester".
func (p *AuthorizationPolicy) serviceAccount(value string) *rbacv3.Principal {
	namespace, account, ok := strings.Cut(value, "/")
	if !ok {
		namespace, account = p.Namespace, value
	}
	return peerLike("spiffe://.+/ns/" + namespace + "/(.+/|)sa/" + account + "(/.+)?")
}

func cidr(value string) *corev3.CidrRange {
	prefix, err := netip.ParsePrefix(value)
	if err != nil {
		addr, err := netip.ParseAddr(value)
		if err != nil {
			return &corev3.CidrRange{AddressPrefix: value} // refused before it is stored
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	return &corev3.CidrRange{AddressPrefix: prefix.Addr().String(), PrefixLen: wrapperspb.UInt32(uint32(prefix.Bits()))}
}

func directIP(value string) *rbacv3.Principal {
	return &rbacv3.Principal{Identifier: &rbacv3.Principal_DirectRemoteIp{DirectRemoteIp: cidr(value)}}
}

func remoteIP(value string) *rbacv3.Principal {
	return &rbacv3.Principal{Identifier: &rbacv3.Principal_RemoteIp{RemoteIp: cidr(value)}}
}

// tokenPrincipal is the owner of a token: "issuer/subject", of which the subject follows the last slash.
func tokenPrincipal(value string) *rbacv3.Principal {
	issuer, subject := "*", "*"
	if i := strings.LastIndex(value, "/"); i >= 0 {
		issuer, subject = value[:i], value[i+1:]
	} else if value != "*" {
		return notPrincipal(anyPrincipal())
	}
	return allPrincipals([]*rbacv3.Principal{tokenValue(wildcardValue(issuer), "iss"), tokenValue(wildcardValue(subject), "sub")})
}

// claim is one of a token, whose value is a text or a list with it.
func claim(value string, path ...string) *rbacv3.Principal {
	text := wildcardValue(value)
	list := &matcherv3.ValueMatcher{MatchPattern: &matcherv3.ValueMatcher_ListMatch{ListMatch: &matcherv3.ListMatcher{
		MatchPattern: &matcherv3.ListMatcher_OneOf{OneOf: text},
	}}}
	return onePrincipal([]*rbacv3.Principal{tokenValue(text, path...), tokenValue(list, path...)})
}

func wildcardValue(value string) *matcherv3.ValueMatcher {
	return &matcherv3.ValueMatcher{MatchPattern: &matcherv3.ValueMatcher_StringMatch{StringMatch: wildcard(value, "")}}
}

func tokenValue(value *matcherv3.ValueMatcher, path ...string) *rbacv3.Principal {
	m := &matcherv3.MetadataMatcher{Filter: tokenFilter, Value: value}
	for _, key := range append([]string{tokenPayload}, path...) {
		m.Path = append(m.Path, &matcherv3.MetadataMatcher_PathSegment{Segment: &matcherv3.MetadataMatcher_PathSegment_Key{Key: key}})
	}
	//lint:ignore SA1019 Istio sets the older field.
	return &rbacv3.Principal{Identifier: &rbacv3.Principal_Metadata{Metadata: m}}
}

// headerLike is a header of a policy: * is any value, also an empty one.
func headerLike(name, value string, ignoreCase bool) *routev3.HeaderMatcher {
	if value == "*" {
		return &routev3.HeaderMatcher{Name: name, HeaderMatchSpecifier: &routev3.HeaderMatcher_PresentMatch{PresentMatch: true}}
	}
	m := wildcard(value, "")
	m.IgnoreCase = ignoreCase
	return &routev3.HeaderMatcher{Name: name, HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: m}}
}

func header(name, value string, ignoreCase bool) *rbacv3.Permission {
	return &rbacv3.Permission{Rule: &rbacv3.Permission_Header{Header: headerLike(name, value, ignoreCase)}}
}

func callerHeader(name, value string) *rbacv3.Principal {
	return &rbacv3.Principal{Identifier: &rbacv3.Principal_Header{Header: headerLike(name, value, false)}}
}

// urlPath is a path, with a * at one end, or with {*} for one part of it and {**} for any number.
func urlPath(value string) *rbacv3.Permission {
	if strings.Contains(value, "{*}") || strings.Contains(value, "{**}") {
		template := strings.NewReplacer("{*}", "*", "{**}", "**").Replace(value)
		return &rbacv3.Permission{Rule: &rbacv3.Permission_UriTemplate{UriTemplate: &corev3.TypedExtensionConfig{
			Name: "uri-template", TypedConfig: Pack(&templatev3.UriTemplateMatchConfig{PathTemplate: template}),
		}}}
	}
	return &rbacv3.Permission{Rule: &rbacv3.Permission_UrlPath{
		UrlPath: &matcherv3.PathMatcher{Rule: &matcherv3.PathMatcher_Path{Path: wildcard(value, "")}},
	}}
}

func destinationPort(value string) *rbacv3.Permission {
	port, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		return notPermission(anyPermission()) // refused before it is stored
	}
	return &rbacv3.Permission{Rule: &rbacv3.Permission_DestinationPort{DestinationPort: uint32(port)}}
}

func destinationIP(value string) *rbacv3.Permission {
	return &rbacv3.Permission{Rule: &rbacv3.Permission_DestinationIp{DestinationIp: cidr(value)}}
}

func requestedName(value string) *rbacv3.Permission {
	return &rbacv3.Permission{Rule: &rbacv3.Permission_RequestedServerName{RequestedServerName: wildcard(value, "")}}
}
