package rbac

import (
	"fmt"
	"net/netip"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	rbacv3 "github.com/envoyproxy/go-control-plane/envoy/config/rbac/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	templatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/path/match/uri_template/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/match"
)

func compilePermission(p *rbacv3.Permission) (condition, error) {
	switch rule := p.GetRule().(type) {
	case *rbacv3.Permission_Any:
		return func(*Request) bool { return rule.Any }, nil
	case *rbacv3.Permission_AndRules:
		return allOf(compileAll(rule.AndRules.GetRules(), compilePermission))
	case *rbacv3.Permission_OrRules:
		return anyOf(compileAll(rule.OrRules.GetRules(), compilePermission))
	case *rbacv3.Permission_NotRule:
		return not(compilePermission(rule.NotRule))
	case *rbacv3.Permission_Header:
		return headerCondition(rule.Header)
	case *rbacv3.Permission_UrlPath:
		return pathCondition(rule.UrlPath)
	case *rbacv3.Permission_UriTemplate:
		return templateCondition(rule.UriTemplate)
	case *rbacv3.Permission_DestinationIp:
		return addressCondition(rule.DestinationIp, func(r *Request) netip.Addr { return r.Destination.Addr() })
	case *rbacv3.Permission_DestinationPort:
		return func(r *Request) bool { return uint32(r.Destination.Port()) == rule.DestinationPort }, nil
	case *rbacv3.Permission_DestinationPortRange:
		from, to := rule.DestinationPortRange.GetStart(), rule.DestinationPortRange.GetEnd()
		return func(r *Request) bool {
			port := int32(r.Destination.Port())
			return from <= port && port < to
		}, nil
	case *rbacv3.Permission_RequestedServerName:
		fits, err := match.CompileString(rule.RequestedServerName)
		return func(r *Request) bool { return fits(r.ServerName) }, err
	case *rbacv3.Permission_Metadata:
		//lint:ignore SA1019 Istio sets the older field.
		return metadataCondition(rule.Metadata)
	}
	return nil, fmt.Errorf("a permission by %T is not supported", p.GetRule())
}

func compilePrincipal(p *rbacv3.Principal) (condition, error) {
	switch id := p.GetIdentifier().(type) {
	case *rbacv3.Principal_Any:
		return func(*Request) bool { return id.Any }, nil
	case *rbacv3.Principal_AndIds:
		return allOf(compileAll(id.AndIds.GetIds(), compilePrincipal))
	case *rbacv3.Principal_OrIds:
		return anyOf(compileAll(id.OrIds.GetIds(), compilePrincipal))
	case *rbacv3.Principal_NotId:
		return not(compilePrincipal(id.NotId))
	case *rbacv3.Principal_Authenticated_:
		return peerCondition(id.Authenticated.GetPrincipalName())
	case *rbacv3.Principal_DirectRemoteIp:
		return addressCondition(id.DirectRemoteIp, func(r *Request) netip.Addr { return r.DirectIP })
	case *rbacv3.Principal_RemoteIp:
		return addressCondition(id.RemoteIp, func(r *Request) netip.Addr { return r.RemoteIP })
	case *rbacv3.Principal_SourceIp:
		//lint:ignore SA1019 Istio sets the older field.
		return addressCondition(id.SourceIp, func(r *Request) netip.Addr { return r.DirectIP })
	case *rbacv3.Principal_Header:
		return headerCondition(id.Header)
	case *rbacv3.Principal_UrlPath:
		return pathCondition(id.UrlPath)
	case *rbacv3.Principal_Metadata:
		//lint:ignore SA1019 Istio sets the older field.
		return metadataCondition(id.Metadata)
	}
	return nil, fmt.Errorf("a principal by %T is not supported", p.GetIdentifier())
}

// httpOf is the request, or an empty one for a connection whose requests are not read.
func httpOf(r *Request) *field.Request {
	if r.HTTP == nil {
		return &field.Request{}
	}
	return r.HTTP
}

func headerCondition(m *routev3.HeaderMatcher) (condition, error) {
	header, err := match.CompileHeader(m)
	if err != nil {
		return nil, fmt.Errorf("header %q: %w", m.GetName(), err)
	}
	return func(r *Request) bool { return header.Fits(httpOf(r)) }, nil
}

// pathCondition is about the path without its query.
func pathCondition(m *matcherv3.PathMatcher) (condition, error) {
	fits, err := match.CompileString(m.GetPath())
	if err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	return func(r *Request) bool { return r.HTTP != nil && fits(r.HTTP.PathOnly()) }, nil
}

func templateCondition(config *corev3.TypedExtensionConfig) (condition, error) {
	var template templatev3.UriTemplateMatchConfig
	if err := config.GetTypedConfig().UnmarshalTo(&template); err != nil {
		return nil, err
	}
	fits, err := match.Template(template.GetPathTemplate())
	if err != nil {
		return nil, err
	}
	return func(r *Request) bool { return r.HTTP != nil && fits(r.HTTP.PathOnly()) }, nil
}

// peerCondition is about the names of the caller's certificate. A caller without one fits none, whatever is asked.
func peerCondition(m *matcherv3.StringMatcher) (condition, error) {
	if m == nil {
		return func(r *Request) bool { return r.Peer != nil }, nil
	}
	fits, err := match.CompileString(m)
	if err != nil {
		return nil, fmt.Errorf("principal: %w", err)
	}
	return func(r *Request) bool {
		if r.Peer == nil {
			return false
		}
		for _, name := range r.Peer.URIs {
			if fits(name) {
				return true
			}
		}
		for _, name := range r.Peer.DNS {
			if fits(name) {
				return true
			}
		}
		return len(r.Peer.URIs) == 0 && len(r.Peer.DNS) == 0 && fits(r.Peer.Subject)
	}, nil
}

func addressCondition(c *corev3.CidrRange, of func(*Request) netip.Addr) (condition, error) {
	address, err := netip.ParseAddr(c.GetAddressPrefix())
	if err != nil {
		return nil, err
	}
	prefix, err := address.Prefix(int(c.GetPrefixLen().GetValue()))
	if err != nil {
		return nil, err
	}
	return func(r *Request) bool { return prefix.Contains(of(r).Unmap()) }, nil
}
