package resource

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/mesh/advice"
	"github.com/shopctl/shopctl/pkg/mesh/schema"
	"github.com/shopctl/shopctl/pkg/mesh/validate"
	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/resource/istio"
)

// The versions of Istio's groups that it serves beside the stored one. Their fields are the same.
func olderNetworking() []string {
	return []string{"networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"}
}

func olderSecurity() []string { return []string{"security.istio.io/v1beta1"} }

func networkingKind(name, plural string, short ...string) Kind {
	return Kind{Name: name, APIVersion: istio.NetworkingVersion, AlsoServed: olderNetworking(), Plural: plural, Short: short, Namespaced: true, Restorable: true, Located: true}
}

func securityKind(name, plural string, short ...string) Kind {
	return Kind{Name: name, APIVersion: istio.SecurityVersion, AlsoServed: olderSecurity(), Plural: plural, Short: short, Namespaced: true, Restorable: true, Located: true}
}

func virtualServiceKind() Kind {
	return definition[*istio.VirtualService]{
		Kind:  networkingKind(KindVirtualService, "virtualservices", "vs"),
		empty: func() *istio.VirtualService { return &istio.VirtualService{} },
		check: func(c *admission.Issues, o *istio.VirtualService) {
			if faults, ok := o.Annotations[InjectedFaultsAnnotation]; ok {
				c.Add("metadata.annotations", "this is a copy with the rules of injected faults (%s), which end with them; remove the rules named fault-... and the annotation %s, or first: shopctl fault clear --all", faults, InjectedFaultsAnnotation)
			}
			checkIstio(c, o, o.Spec.Tree(), o.Spec.Message())
		},
		warn: func(c *admission.Issues, o *istio.VirtualService, others Objects) {
			warnIstio(c, o, others, KindVirtualService, o.Spec.Tree(), o.Spec.Message(), advice.OfVirtualService(virtualServiceOf(o), worldOf(others)))
		},
		spec: func(o *istio.VirtualService) any { return o.Spec },
		columns: []column[*istio.VirtualService]{
			{"GATEWAYS", func(o *istio.VirtualService) string { return listed(o.Spec.Message().GetGateways()) }},
			{"HOSTS", func(o *istio.VirtualService) string { return listed(o.Spec.Message().GetHosts()) }},
		},
		summary: func(o *istio.VirtualService) string { return strings.Join(o.Spec.Message().GetHosts(), ",") },
	}.kind()
}

func destinationRuleKind() Kind {
	return definition[*istio.DestinationRule]{
		Kind:  networkingKind(KindDestinationRule, "destinationrules", "dr"),
		empty: func() *istio.DestinationRule { return &istio.DestinationRule{} },
		check: func(c *admission.Issues, o *istio.DestinationRule) { checkIstio(c, o, o.Spec.Tree(), o.Spec.Message()) },
		warn: func(c *admission.Issues, o *istio.DestinationRule, others Objects) {
			rule := advice.DestinationRule{Namespace: o.Namespace, Name: o.Name, Spec: o.Spec.Message()}
			warnIstio(c, o, others, KindDestinationRule, o.Spec.Tree(), o.Spec.Message(), advice.OfDestinationRule(rule, worldOf(others)))
		},
		spec:    func(o *istio.DestinationRule) any { return o.Spec },
		columns: []column[*istio.DestinationRule]{{"HOST", func(o *istio.DestinationRule) string { return o.Spec.Message().GetHost() }}},
		summary: func(o *istio.DestinationRule) string { return o.Spec.Message().GetHost() },
	}.kind()
}

func gatewayKind() Kind {
	return definition[*istio.Gateway]{
		Kind:  networkingKind(KindGateway, "gateways", "gw"),
		empty: func() *istio.Gateway { return &istio.Gateway{} },
		check: func(c *admission.Issues, o *istio.Gateway) { checkIstio(c, o, o.Spec.Tree(), o.Spec.Message()) },
		warn: func(c *admission.Issues, o *istio.Gateway, others Objects) {
			warnIstio(c, o, others, KindGateway, o.Spec.Tree(), o.Spec.Message(), advice.OfGateway(o.Namespace, o.Spec.Message(), worldOf(others)))
		},
		spec: func(o *istio.Gateway) any { return o.Spec },
	}.kind()
}

func peerAuthenticationKind() Kind {
	mode := func(o *istio.PeerAuthentication) string {
		return cmp.Or(strings.TrimPrefix(o.Spec.Message().GetMtls().GetMode().String(), "UNSET"), none)
	}
	return definition[*istio.PeerAuthentication]{
		Kind:  securityKind(KindPeerAuthentication, "peerauthentications", "pa"),
		empty: func() *istio.PeerAuthentication { return &istio.PeerAuthentication{} },
		check: func(c *admission.Issues, o *istio.PeerAuthentication) {
			checkIstio(c, o, o.Spec.Tree(), o.Spec.Message())
		},
		warn: func(c *admission.Issues, o *istio.PeerAuthentication, others Objects) {
			warnIstio(c, o, others, KindPeerAuthentication, o.Spec.Tree(), o.Spec.Message(), advice.OfPeerAuthentication(o.Namespace, o.Spec.Message(), worldOf(others)))
		},
		spec:    func(o *istio.PeerAuthentication) any { return o.Spec },
		columns: []column[*istio.PeerAuthentication]{{"MODE", mode}},
		summary: mode,
	}.kind()
}

func authorizationPolicyKind() Kind {
	action := func(o *istio.AuthorizationPolicy) string { return o.Spec.Message().GetAction().String() }
	return definition[*istio.AuthorizationPolicy]{
		Kind:  securityKind(KindAuthorizationPolicy, "authorizationpolicies", "ap"),
		empty: func() *istio.AuthorizationPolicy { return &istio.AuthorizationPolicy{} },
		check: func(c *admission.Issues, o *istio.AuthorizationPolicy) {
			checkIstio(c, o, o.Spec.Tree(), o.Spec.Message())
		},
		warn: func(c *admission.Issues, o *istio.AuthorizationPolicy, others Objects) {
			warnIstio(c, o, others, KindAuthorizationPolicy, o.Spec.Tree(), o.Spec.Message(), advice.OfAuthorizationPolicy(o.Namespace, o.Spec.Message(), worldOf(others)))
		},
		spec:    func(o *istio.AuthorizationPolicy) any { return o.Spec },
		columns: []column[*istio.AuthorizationPolicy]{{"ACTION", action}},
		summary: action,
	}.kind()
}

func requestAuthenticationKind() Kind {
	return definition[*istio.RequestAuthentication]{
		Kind:  securityKind(KindRequestAuthentication, "requestauthentications", "ra"),
		empty: func() *istio.RequestAuthentication { return &istio.RequestAuthentication{} },
		check: func(c *admission.Issues, o *istio.RequestAuthentication) {
			checkIstio(c, o, o.Spec.Tree(), o.Spec.Message())
		},
		warn: func(c *admission.Issues, o *istio.RequestAuthentication, others Objects) {
			warnIstio(c, o, others, KindRequestAuthentication, o.Spec.Tree(), o.Spec.Message(), advice.OfRequestAuthentication(o.Namespace, o.Spec.Message(), worldOf(others)))
		},
		spec: func(o *istio.RequestAuthentication) any { return o.Spec },
	}.kind()
}

// leftMesh is a warning about an object of Istio whose namespace has left the mesh. One that was never in it joins with its
// first such object.
const leftMesh = "has no effect while namespace %s is out of the mesh; to join it: shopctl mesh on"

// hasLeft reports whether a namespace is labeled to have no sidecars.
func hasLeft(others Objects, name string) bool {
	namespace, ok := others.Find(Key{Kind: KindNamespace, Name: name}).(*corev1.Namespace)
	return ok && namespace.Labels[InjectionLabel] == "disabled"
}

// checkIstio adds what an API server refuses in a spec by its schema, or else what Istio does, in its own words.
func checkIstio(c *admission.Issues, o Object, tree any, spec proto.Message) {
	issues := schema.Check(spec.ProtoReflect().Descriptor(), tree)
	for _, issue := range issues {
		c.Add(strings.TrimSuffix("spec."+issue.Path, "."), "%s", issue.Message)
	}
	if len(issues) > 0 {
		return
	}
	for _, m := range validate.Spec(o.GetName(), o.GetNamespace(), spec) {
		if !m.Warning {
			c.Add(m.Path, "%s", m.Text)
		}
	}
}

// warnIstio adds what Istio warns of in a spec, and what else is probably not meant.
func warnIstio(c *admission.Issues, o Object, others Objects, kind string, tree any, spec proto.Message, advised []advice.Issue) {
	for _, m := range validate.Spec(o.GetName(), o.GetNamespace(), spec) {
		if m.Warning {
			c.Add(m.Path, "%s", m.Text)
		}
	}
	if hasLeft(others, o.GetNamespace()) {
		*c = append(*c, admission.Issue{Path: "kind", Group: "left mesh", Message: fmt.Sprintf(leftMesh, o.GetNamespace())})
	}
	for _, issue := range advised {
		c.Add(issue.Path, "%s", issue.Message)
	}
	c.Inert(map[string]any{"spec": tree}, Kind{Name: kind}.Unfollowed())
}

// listed is a list as kubectl prints it in a table.
func listed(values []string) string {
	if len(values) == 0 {
		return ""
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

func virtualServiceOf(o *istio.VirtualService) advice.VirtualService {
	return advice.VirtualService{Namespace: o.Namespace, Name: o.Name, Created: o.CreationTimestamp.Time, Spec: o.Spec.Message()}
}

// serves reports whether a port has one of some protocols, by its appProtocol or the beginning of its name, as in Istio.
func serves(p corev1.ServicePort, protocols ...string) bool {
	if p.AppProtocol != nil {
		return slices.Contains(protocols, strings.ToLower(*p.AppProtocol))
	}
	prefix, _, _ := strings.Cut(strings.ToLower(p.Name), "-")
	return slices.Contains(protocols, prefix)
}
