package explain

import (
	"strings"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"

	"github.com/shopctl/shopctl/pkg/mesh/show"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/trace"
)

// The modes of a PeerAuthentication.
const (
	strict     = "STRICT"
	permissive = "PERMISSIVE"
	disable    = "DISABLE"
)

// chainOf is the filter chain of a callee's sidecar that a request came in by; nil if it is not known.
func chainOf(r *xds.Resources, c trace.Sidecar) *listenerv3.FilterChain {
	if r == nil {
		return nil
	}
	port, _, _ := show.SplitCluster(c.Cluster)
	transport := "raw_buffer"
	if c.Security == "mutual_tls" {
		transport = "tls"
	}
	for _, l := range r.Listeners {
		if !strings.HasPrefix(l.GetName(), "inbound_") || port != "" && l.GetName() != "inbound_"+port {
			continue
		}
		for _, chain := range l.GetFilterChains() {
			if chain.GetFilterChainMatch().GetTransportProtocol() == transport {
				return chain
			}
		}
	}
	return nil
}

// secured is how a request came to its callee, and which PeerAuthentication has it so.
func secured(c trace.Sidecar, chain *listenerv3.FilterChain, src Source) (Decision, bool) {
	d := Decision{Verb: "secured"}
	mutual := c.Security == "mutual_tls"
	switch {
	case mutual && c.Principal != "":
		d.What = "arrived over mutual TLS from " + c.Principal
	case mutual:
		d.What = "arrived over mutual TLS"
	case c.Security == "none":
		d.What = "arrived in plaintext, without an identity"
	default:
		return d, false
	}
	o := show.ObjectOf(chain.GetMetadata())
	if o.Name == "" {
		return d, true
	}
	d.Object, d.Path = o, show.RuleOf(chain.GetMetadata())
	d.Position = src.Position(o, d.Path)
	mode := show.OriginOf(chain.GetMetadata(), "mode")
	d.What += map[string]string{strict: ", which STRICT requires", permissive: ", which PERMISSIVE lets in", disable: ", which DISABLE requires"}[mode]
	d.Without = otherwise(mutual, mode, show.OriginOf(chain.GetMetadata(), "otherwise"))
	return d, true
}

// otherwise is what would have happened with a connection under another mode.
func otherwise(mutual bool, mode, other string) string {
	switch {
	case mode == other:
		return "the same: " + other + " would hold"
	case mutual && other == disable:
		return "it would have come in plaintext"
	case mutual && mode == strict:
		return "plaintext would have been let in too"
	case mutual:
		return "plaintext would not have been let in"
	case other == strict:
		return "the connection would have been closed"
	case mode == disable:
		return "it would have come over mutual TLS from a caller with a sidecar"
	}
	return "it would have been let in all the same"
}
