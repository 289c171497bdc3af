package schema

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// limits are the bounds of a message's fields.
type limits struct {
	// required must be written, and the texts of filled must not be empty.
	required, filled []string
	// more are conditions between fields.
	more func(c *checker, path string, fields map[string]any)
}

// limitsOf are those in Istio's definitions of its kinds.
func limitsOf(d protoreflect.MessageDescriptor) limits {
	switch d.FullName() {
	case "istio.networking.v1alpha3.DestinationRule", "istio.networking.v1alpha3.Destination":
		return limits{required: []string{"host"}}
	case "istio.networking.v1alpha3.Subset", "istio.networking.v1alpha3.LoadBalancerSettings.ConsistentHashLB.HTTPCookie",
		"istio.networking.v1alpha3.LoadBalancerSettings.ConsistentHashLB.HTTPCookie.Attribute":
		return limits{required: []string{"name"}}
	case "istio.networking.v1alpha3.WarmupConfiguration":
		return limits{required: []string{"duration"}}
	case "istio.networking.v1alpha3.TrafficPolicy.TunnelSettings":
		return limits{required: []string{"targetHost", "targetPort"}}
	case "istio.networking.v1alpha3.OutlierDetection":
		return limits{more: errorCodes}
	case "istio.networking.v1alpha3.HTTPDirectResponse":
		return limits{required: []string{"status"}}
	case "istio.networking.v1alpha3.HTTPRouteDestination", "istio.networking.v1alpha3.HTTPMirrorPolicy",
		"istio.networking.v1alpha3.RouteDestination":
		return limits{required: []string{"destination"}}
	case "istio.networking.v1alpha3.TLSRoute":
		return limits{required: []string{"match"}}
	case "istio.networking.v1alpha3.TLSMatchAttributes":
		return limits{required: []string{"sniHosts"}}
	case "istio.networking.v1alpha3.Server":
		return limits{required: []string{"port", "hosts"}}
	case "istio.networking.v1alpha3.Port":
		return limits{required: []string{"number", "protocol", "name"}}
	case "istio.networking.v1alpha3.ServerTLSSettings":
		return limits{more: certificates}
	case "istio.type.v1beta1.WorkloadSelector":
		return limits{more: labels}
	case "istio.type.v1beta1.PolicyTargetReference":
		return limits{required: []string{"kind", "name"}, filled: []string{"kind", "name"}, more: reference}
	}
	return securityLimits(d)
}

func securityLimits(d protoreflect.MessageDescriptor) limits {
	switch d.FullName() {
	case "istio.security.v1beta1.AuthorizationPolicy", "istio.security.v1beta1.RequestAuthentication":
		return limits{more: oneTarget}
	case "istio.security.v1beta1.PeerAuthentication":
		return limits{more: portLevel}
	case "istio.security.v1beta1.Source":
		return limits{more: accounts}
	case "istio.security.v1beta1.Condition":
		return limits{required: []string{"key"}}
	case "istio.security.v1beta1.JWTHeader":
		return limits{required: []string{"name"}, filled: []string{"name"}}
	case "istio.security.v1beta1.ClaimToHeader":
		return limits{required: []string{"header", "claim"}, filled: []string{"header", "claim"}, more: headerName}
	case "istio.security.v1beta1.JWTRule":
		return limits{
			filled: []string{"issuer", "audiences", "jwksUri", "fromParams", "fromCookies", "spaceDelimitedClaims"},
			more:   keySource,
		}
	}
	return limits{}
}

// maxItems is how many items a list may have.
func maxItems(field protoreflect.FieldDescriptor) int {
	switch field.Name() {
	case "rules", "from":
		return 512
	case "jwt_rules", "port_level_settings":
		return 4096
	case "service_accounts", "not_service_accounts", "target_refs":
		return 16
	case "space_delimited_claims":
		return 64
	case "credential_names", "tls_certificates":
		return 2
	}
	return math.MaxInt
}

// written are those of some fields that are written.
func written(fields map[string]any, names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return fields[name] == nil })
}

func (c *checker) atMostOne(path string, fields map[string]any, names ...string) {
	if set := written(fields, names...); len(set) > 1 {
		c.add(path, "%s exclude each other; keep one", strings.Join(set, " and "))
	}
}

func oneTarget(c *checker, path string, fields map[string]any) {
	c.atMostOne(path, fields, "selector", "targetRef", "targetRefs")
}

func keySource(c *checker, path string, fields map[string]any) {
	c.atMostOne(path, fields, "jwks", "jwksUri")
	if text, ok := fields["jwksUri"].(string); ok && text != "" {
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" {
			c.add(join(path, "jwksUri"), "must begin with http:// or https://, and is %q", text)
		}
	}
}

func certificates(c *checker, path string, fields map[string]any) {
	c.atMostOne(path, fields, "credentialName", "credentialNames", "tlsCertificates")
}

func accounts(c *checker, path string, fields map[string]any) {
	set := written(fields, "serviceAccounts", "notServiceAccounts")
	others := written(fields, "principals", "notPrincipals", "namespaces", "notNamespaces")
	if len(set) > 0 && len(others) > 0 {
		c.add(path, "%s and %s exclude each other; keep one", set[0], others[0])
	}
}

func portLevel(c *checker, path string, fields map[string]any) {
	ports, ok := fields["portLevelMtls"].(map[string]any)
	if !ok {
		return
	}
	at := join(path, "portLevelMtls")
	if len(ports) == 0 {
		c.add(at, "must have a port; leave it out if there is none")
	}
	selector, _ := fields["selector"].(map[string]any)
	if labels, _ := selector["matchLabels"].(map[string]any); len(labels) == 0 {
		c.add(at, "needs a selector; name the workload in selector.matchLabels")
	}
	for port := range ports {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > math.MaxUint16 {
			c.add(join(at, port), "must be a port from 1 to 65535")
		}
	}
}

// maxLabel bounds the value of a label, in characters.
const maxLabel = 63

func labels(c *checker, path string, fields map[string]any) {
	set, _ := fields["matchLabels"].(map[string]any)
	at := join(path, "matchLabels")
	for key, v := range set {
		value, _ := v.(string)
		switch {
		case key == "":
			c.add(at, "has an empty key")
		case strings.Contains(key, "*"):
			c.add(at, "%q has a wildcard; labels are compared as they stand", key)
		case strings.Contains(value, "*"):
			c.add(at+"["+key+"]", "%q has a wildcard; labels are compared as they stand", value)
		case len([]rune(value)) > maxLabel:
			c.add(at+"["+key+"]", "must have at most %d characters", maxLabel)
		}
	}
}

func reference(c *checker, path string, fields map[string]any) {
	if namespace, _ := fields["namespace"].(string); namespace != "" {
		c.add(join(path, "namespace"), "cannot name another namespace; leave it out")
	}
}

func headerName(c *checker, path string, fields map[string]any) {
	name, _ := fields["header"].(string)
	if strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		c.add(join(path, "header"), "%q is not a name of a header: letters, digits, - and _", name)
	}
}

// minStatus and maxStatus bound the codes of HTTP.
const minStatus, maxStatus = 100, 599

func errorCodes(c *checker, path string, fields map[string]any) {
	codes, _ := fields["outlierDetectionHttpErrorCodes"].([]any)
	for i, code := range codes {
		if n, ok := code.(float64); ok && (n < minStatus || n > maxStatus) {
			c.add(join(path, "outlierDetectionHttpErrorCodes")+"["+strconv.Itoa(i)+"]", "must be from %d to %d", minStatus, maxStatus)
		}
	}
}
