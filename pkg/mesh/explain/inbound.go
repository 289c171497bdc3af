package explain

import (
	"fmt"
	"slices"
	"strings"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"

	"github.com/shopctl/shopctl/pkg/mesh/show"
	"github.com/shopctl/shopctl/pkg/trace"
)

// inbound adds what the callee's sidecar decided.
func (h *Hop) inbound(s *trace.Span, src Source) {
	c := s.Sidecar()
	chain := chainOf(src.Resources(c.Node), c)
	if d, ok := secured(c, chain, src); ok {
		h.Decisions = append(h.Decisions, d)
	}
	d, denied := denial(c, chain, src)
	if denied {
		h.Decisions = append(h.Decisions, d)
	}
	if o, path := policyOf(c.Policy); !denied && slices.Contains(show.Policies(src.Resources(c.Node)), c.Policy) {
		h.Decisions = append(h.Decisions, Decision{
			Verb: "allowed", What: "allowed: a rule of an ALLOW policy fits the request", Object: o, Path: path, Position: src.Position(o, path),
			Without: "it would have been denied, unless another rule lets it in",
		})
	}
	h.injected(hop{sidecar: c})
	if c.Shadow == "" {
		return
	}
	o, path := policyOf(c.Shadow)
	d = Decision{Verb: "denied", What: "a policy in a dry run would have denied it", Object: o, Path: path}
	if o.Name != "" {
		d.Position = src.Position(o, path)
	}
	h.Decisions = append(h.Decisions, d)
}

// injected adds what faults in the callee's sidecar did. No object of Istio has such: its route is named after them.
func (h *Hop) injected(x hop) {
	o := show.Object{Kind: "fault", Name: strings.TrimPrefix(x.sidecar.Route, "fault-")}
	if x.flag("DI") {
		h.Decisions = append(h.Decisions, Decision{Verb: "delayed", What: "delayed by a fault in the callee's sidecar", Object: o, Without: "it would have reached the program at once"})
	}
	if x.flag("FI") {
		h.Decisions = append(h.Decisions, Decision{Verb: "aborted", What: "aborted by a fault in the callee's sidecar", Object: o, Without: "it would have reached the program"})
	}
}

// How Envoy says that a policy or a token was the reason.
const (
	deniedByPolicy = "rbac_access_denied_matched_policy["
	deniedByToken  = "jwt_authn_access_denied{"
)

// denial is why a callee's sidecar refused a request.
func denial(c trace.Sidecar, chain *listenerv3.FilterChain, src Source) (Decision, bool) {
	without, verb := "the request would have reached the program", "denied"
	if port, _, _ := show.SplitCluster(c.Cluster); port != "" {
		verb += " at port " + port
	}
	if policy, ok := strings.CutPrefix(c.Details, deniedByPolicy); ok {
		o, path := policyOf(strings.TrimSuffix(policy, "]"))
		if o.Name == "" {
			o, others := allowing(c.Node, src)
			d := Decision{Verb: "denied", What: verb + ": no rule of an ALLOW policy lets it in" + others, Object: o, Path: "spec.rules", Without: without}
			if o.Name != "" {
				d.Position = src.Position(o, d.Path)
			}
			return d, true
		}
		return Decision{Verb: "denied", What: verb + ": a rule of a DENY policy fits the request", Object: o, Path: path, Position: src.Position(o, path), Without: without}, true
	}
	if reason, ok := strings.CutPrefix(c.Details, deniedByToken); ok {
		d := Decision{
			Verb: "denied", What: verb + ": " + strings.ReplaceAll(strings.TrimSuffix(reason, "}"), "_", " "), Object: show.Object{Kind: "RequestAuthentication"},
			Without: "the token would not have been checked",
		}
		first, more, _ := strings.Cut(show.OriginOf(chain.GetMetadata(), "tokens"), ",")
		if o := show.ParseConfig(first); o.Name != "" {
			d.Object, d.Path = o, "spec.jwtRules"
			d.Position = src.Position(o, d.Path)
		}
		if problem := show.OriginOf(chain.GetMetadata(), "keys"); problem != "" {
			d.What += " (" + problem + ")"
		}
		if more != "" {
			d.What += fmt.Sprintf(" (%d more of these objects say which tokens are valid)", strings.Count(more, ",")+1)
		}
		return d, true
	}
	return Decision{}, false
}

// policyOf reads Istio's name of a rule of a policy: "ns[production]-policy[deny]-rule[0]".
func policyOf(name string) (o show.Object, path string) {
	var namespace, policy string
	var rule int
	text := strings.NewReplacer("[", " ", "]", " ", "-policy", "policy", "-rule", "rule").Replace(name)
	if n, err := fmt.Sscanf(text, "ns %s policy %s rule %d", &namespace, &policy, &rule); n != 3 || err != nil {
		return show.Object{}, ""
	}
	return show.Object{Kind: "AuthorizationPolicy", Namespace: namespace, Name: policy}, fmt.Sprintf("spec.rules[%d]", rule)
}

// allowing is the first of the ALLOW policies that a sidecar holds, and in words that there are others.
func allowing(node string, src Source) (first show.Object, others string) {
	names := map[show.Object]bool{}
	for _, name := range show.Policies(src.Resources(node)) {
		if o, _ := policyOf(name); o.Name != "" {
			if first.Name == "" {
				first = o
			}
			names[o] = true
		}
	}
	if len(names) > 1 {
		others = fmt.Sprintf(" (there are %d such policies)", len(names))
	}
	return first, others
}
