package advice

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// OfGateway returns the findings about a Gateway.
func OfGateway(namespace string, spec *networking.Gateway, world World) []Issue {
	f := &finder{World: world, namespace: namespace}
	ports, found := f.gatewayPorts(spec.GetSelector())
	if !found {
		f.add("spec.selector", "no gateway has these labels, so this has no effect; the shop's has istio: ingressgateway")
	}
	for i, s := range spec.GetServers() {
		path := fmt.Sprintf("spec.servers[%d]", i)
		number, protocol := s.GetPort().GetNumber(), strings.ToUpper(s.GetPort().GetProtocol())
		switch {
		case protocol == "HTTPS":
			f.secured(path+".tls", spec.GetSelector(), s.GetTls())
		case !slices.Contains([]string{"HTTP", "HTTP2", "GRPC", "GRPC-WEB"}, protocol):
			f.add(path+".port.protocol", "%s is not served here: a gateway takes HTTP and HTTPS; write one of them", protocol)
		}
		switch {
		case found && !slices.Contains(ports, number):
			f.add(path+".port.number", "no Service of the gateway has port %d, so that nothing comes in by it; its ports are %s", number, listOf(ports))
		}
	}
	return f.issues
}

// secured reports what keeps a server from taking connections with TLS.
func (f *finder) secured(path string, selector map[string]string, tls *networking.ServerTLSSettings) {
	mode, name := tls.GetMode(), tls.GetCredentialName()
	switch {
	case mode != networking.ServerTLSSettings_SIMPLE && mode != networking.ServerTLSSettings_MUTUAL:
		f.add(path+".mode", "%s is not served here, so that no connection can be made; write SIMPLE or MUTUAL", mode)
		return
	case name == "":
		f.add(path+".credentialName", "no certificate is read from files here, so that no connection can be made; name a Secret of type kubernetes.io/tls")
		return
	}
	for _, w := range f.Workloads {
		if !w.Gateway || !includes(w.Labels, selector) {
			continue
		}
		key := w.Namespace + "/" + name
		switch {
		case !slices.Contains(f.Secrets, key):
			f.add(path+".credentialName", "there is no Secret %s with tls.crt and tls.key, so that no connection can be made: "+
				"kubectl create secret tls %s --cert FILE --key FILE --dry-run=client -o yaml | shopctl apply -f -", key, name)
		case mode == networking.ServerTLSSettings_MUTUAL && !slices.Contains(f.Authorities, key) && !slices.Contains(f.Authorities, key+"-cacert"):
			f.add(path+".credentialName", "Secret %s has no ca.crt, by which callers are known, so that no connection can be made; add it, or a Secret %s-cacert with it", key, name)
		}
	}
}

// gatewayPorts are the ports by which requests come to the gateways that have labels, and whether there are such gateways.
func (f *finder) gatewayPorts(labels map[string]string) (ports []uint32, found bool) {
	for _, w := range f.Workloads {
		if !w.Gateway || !includes(w.Labels, labels) {
			continue
		}
		found = true
		for _, s := range f.Services {
			if s.Namespace == w.Namespace && len(s.Selector) > 0 && includes(w.Labels, s.Selector) {
				ports = append(ports, s.Ports...)
			}
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports), found
}

func listOf(ports []uint32) string {
	words := make([]string, len(ports))
	for i, p := range ports {
		words[i] = fmt.Sprint(p)
	}
	return strings.Join(words, ", ")
}

// gateway finds a Gateway by its name in an object, "edge" or "production/edge".
func (f *finder) gateway(name string) (Gateway, bool) {
	for _, g := range f.Gateways {
		if name == g.Namespace+"/"+g.Name || name == g.Name && g.Namespace == f.namespace {
			return g, true
		}
	}
	return Gateway{}, false
}

// gateways reports names of an object that no Gateway has.
func (f *finder) gateways(names []string) {
	for i, name := range names {
		if _, ok := f.gateway(name); ok || name == "mesh" {
			continue
		}
		known := map[string]bool{"mesh": true}
		for _, g := range f.Gateways {
			known[strings.TrimPrefix(g.Namespace+"/"+g.Name, f.namespace+"/")] = true
		}
		f.add(fmt.Sprintf("spec.gateways[%d]", i), "no Gateway is called %q, so no request comes in by it%s", name, suggest.Phrase(name, slices.Sorted(maps.Keys(known))))
	}
}

// hostOfGateways reports a host of an object for gateways alone that none of them takes.
func (f *finder) hostOfGateways(path, host string, names []string) {
	var taken []string
	for _, name := range names {
		g, ok := f.gateway(name)
		if !ok {
			return // which is another finding
		}
		for _, s := range g.Spec.GetServers() {
			taken = append(taken, s.GetHosts()...)
		}
	}
	for _, pattern := range taken {
		if _, rest, ok := strings.Cut(pattern, "/"); ok {
			pattern = rest
		}
		if covers(pattern, fullName(host, f.namespace)) || covers(pattern, host) || covers(host, pattern) {
			return
		}
	}
	f.add(path, "no server of these Gateways has the host %q, so that no request gets to the rules; they have %s", host, strings.Join(taken, ", "))
}

// covers reports whether a host with a wildcard, or without one, includes another.
func covers(pattern, host string) bool {
	suffix, wild := strings.CutPrefix(pattern, "*")
	return pattern == host || wild && strings.HasSuffix(host, suffix)
}
