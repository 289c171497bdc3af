package validate

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	security "istio.io/api/security/v1beta1"
)

// values are those of one property in a rule.
type values struct {
	name string
	list []string
	// http: only requests have it, and not connections.
	http bool
}

func (c *checker) authorizationPolicy(name string, p *security.AuthorizationPolicy) {
	refuse := func(format string, args ...any) {
		c.refuse("invalid policy %s: %s", name, fmt.Sprintf(format, args...))
	}
	switch action := p.GetAction(); {
	case action == security.AuthorizationPolicy_CUSTOM && len(p.GetRules()) == 0:
		refuse("CUSTOM action without `rules` is meaningless as it will never be triggered, add an empty rule `{}` if you want it be triggered for every request")
	case action == security.AuthorizationPolicy_CUSTOM && p.GetProvider().GetName() == "":
		refuse("`provider.name` must not be empty")
	case action != security.AuthorizationPolicy_CUSTOM && p.GetProvider() != nil:
		refuse("`provider` must not be with non CUSTOM action, found %s", action)
	case action == security.AuthorizationPolicy_DENY && len(p.GetRules()) == 0:
		refuse("DENY action without `rules` is meaningless as it will never be triggered, add an empty rule `{}` if you want it be triggered for every request")
	}
	wide := false
	for i, rule := range p.GetRules() {
		var all []values
		at := item("rules", i)
		for j, from := range rule.GetFrom() {
			c.in(at+"."+item("from", j), func() { all = append(all, group(refuse, "from.source", i, source(from.GetSource()))...) })
		}
		for j, to := range rule.GetTo() {
			c.in(at+"."+item("to", j), func() { all = append(all, group(refuse, "to.operation", i, operation(to.GetOperation()))...) })
		}
		for j, when := range rule.GetWhen() {
			c.in(at+"."+item("when", j), func() { all = append(all, condition(refuse, when)) })
		}
		ofConnections := func(v values) bool { return !v.http }
		wide = wide || len(all) > 0 && !slices.ContainsFunc(all, ofConnections)
	}
	if wide && p.GetAction() == security.AuthorizationPolicy_DENY {
		c.warn("configured AuthorizationPolicy will deny all traffic to TCP ports under its scope due to the use of only HTTP attributes in a DENY rule; it is recommended to explicitly specify the port")
	}
}

// group examines the properties of a source or an operation, and returns those that are set.
func group(refuse func(string, ...any), what string, rule int, all []values) []values {
	set := slices.DeleteFunc(slices.Clone(all), func(v values) bool { return len(v.list) == 0 })
	if len(set) == 0 {
		refuse("`%s` must not be empty, found at rule %d", what, rule)
	}
	for _, v := range set {
		if slices.Contains(v.list, "") {
			refuse("empty value not allowed, found in %s", v.name)
			continue
		}
		if err := check(v); err != nil {
			refuse("%s", err)
		}
	}
	return set
}

func source(s *security.Source) []values {
	return []values{
		{"IpBlocks", s.GetIpBlocks(), false},
		{"NotIpBlocks", s.GetNotIpBlocks(), false},
		{"RemoteIpBlocks", s.GetRemoteIpBlocks(), false},
		{"NotRemoteIpBlocks", s.GetNotRemoteIpBlocks(), false},
		{"Principals", s.GetPrincipals(), false},
		{"RequestPrincipals", s.GetRequestPrincipals(), true},
		{"Namespaces", s.GetNamespaces(), false},
		{"ServiceAccounts", s.GetServiceAccounts(), false},
		{"NotPrincipals", s.GetNotPrincipals(), false},
		{"NotRequestPrincipals", s.GetNotRequestPrincipals(), true},
		{"NotNamespaces", s.GetNotNamespaces(), false},
		{"NotServiceAccounts", s.GetNotServiceAccounts(), false},
	}
}

func operation(o *security.Operation) []values {
	return []values{
		{"Ports", o.GetPorts(), false},
		{"NotPorts", o.GetNotPorts(), false},
		{"Methods", o.GetMethods(), true},
		{"Hosts", o.GetHosts(), true},
		{"Paths", o.GetPaths(), true},
		{"NotMethods", o.GetNotMethods(), true},
		{"NotHosts", o.GetNotHosts(), true},
		{"NotPaths", o.GetNotPaths(), true},
	}
}

// check examines values that are addresses or ports.
func check(v values) error {
	switch {
	case strings.HasSuffix(v.name, "IpBlocks"):
		return addresses(v.list)
	case strings.HasSuffix(v.name, "Ports"):
		return ports(v.list)
	}
	return nil
}

func addresses(list []string) error {
	for _, value := range list {
		if _, err := netip.ParsePrefix(value); err == nil {
			continue
		}
		if _, err := netip.ParseAddr(value); err != nil {
			return fmt.Errorf("bad IP address: %s", value)
		}
	}
	return nil
}

func ports(list []string) error {
	for _, value := range list {
		if port, err := strconv.ParseUint(value, 10, 32); err != nil || port > 65535 {
			return fmt.Errorf("invalid port %s", value)
		}
	}
	return nil
}

// condition examines a further condition of a rule.
func condition(refuse func(string, ...any), when *security.Condition) values {
	key := when.GetKey()
	if len(when.GetValues())+len(when.GetNotValues()) == 0 {
		refuse("at least one of `values` or `notValues` must be set for key %s", key)
		return values{}
	}
	if err := attribute(key, when.GetValues()); err != nil {
		refuse("invalid `value` for `key` %s: %s", key, err)
	}
	if err := attribute(key, when.GetNotValues()); err != nil {
		refuse("invalid `notValue` for `key` %s: %s", key, err)
	}
	return values{key, nil, strings.HasPrefix(key, "request.")}
}

func attribute(key string, list []string) error {
	name, rest, indexed := strings.Cut(key, "[")
	switch name {
	case "request.headers", "request.auth.claims":
		if !indexed || rest == "]" || !strings.HasSuffix(rest, "]") {
			return fmt.Errorf("bad key (%s): should have format a[b]", key)
		}
		return nil
	}
	switch key {
	case "source.ip", "remote.ip", "destination.ip":
		return addresses(list)
	case "destination.port":
		return ports(list)
	case "source.namespace", "source.principal", "source.serviceAccount", "request.auth.principal", "request.auth.audiences",
		"request.auth.presenter", "connection.sni":
		return nil
	}
	return fmt.Errorf("unknown attribute: %s", key)
}
