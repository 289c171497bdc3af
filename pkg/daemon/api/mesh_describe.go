package api

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	security "istio.io/api/security/v1beta1"
	typev1beta1 "istio.io/api/type/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/istio"
	"github.com/shopctl/shopctl/pkg/resource/store"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// rootNamespace is the one whose policies hold in all others.
const rootNamespace = "istio-system"

// DescribeMesh says in words which objects apply to a service.
func (s *meshServer) DescribeMesh(_ context.Context, req *controlpb.DescribeMeshRequest) (*controlpb.DescribeMeshResponse, error) {
	key, _, err := s.names.Resolve(req.GetService())
	if err != nil {
		return nil, s.names.Unknown(req.GetService())
	}
	d := describer{snap: s.objects.Snapshot(), key: key}
	sidecars := 0
	for _, c := range s.sidecars() {
		if c.Workload == key {
			sidecars++
		}
	}
	d.line("%s in namespace %s: %d with a sidecar", s.names.Display(key), key.Namespace, sidecars)
	d.describe()
	return &controlpb.DescribeMeshResponse{Text: strings.TrimSuffix(d.text.String(), "\n")}, nil
}

// describer writes about one workload.
type describer struct {
	snap store.Snapshot
	key  orchestrator.Key
	text strings.Builder
}

func (d *describer) line(format string, args ...any) { fmt.Fprintf(&d.text, format+"\n", args...) }

// object is "VirtualService payment (payment.yaml:1)".
func (d *describer) object(o resource.Object) string { return d.part(o, "") }

func (d *describer) describe() {
	o, err := d.snap.Get(resource.Key{Kind: resource.KindDeployment, Namespace: d.key.Namespace, Name: d.key.Name})
	deployment, ok := o.(*appsv1.Deployment)
	if err != nil || !ok {
		d.line("it has no Deployment, so no object of the mesh selects its pods")
		return
	}
	pods := labels.Set(deployment.Spec.Template.Labels)
	d.line("Calls to it, in the sidecars of its callers:")
	for _, s := range store.All[*corev1.Service](d.snap, d.key.Namespace) {
		if len(s.Spec.Selector) > 0 && labels.SelectorFromSet(s.Spec.Selector).Matches(pods) {
			d.routes(s.Name)
			d.limits(s.Name)
		}
	}
	d.line("Calls that reach it, in its own sidecar:")
	d.peers(pods)
	d.policies(pods)
}

// means reports whether a host of an object in a namespace means a Service of the described one's namespace.
func (d *describer) means(host, namespace, service string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if !strings.Contains(host, ".") {
		host += "." + namespace + ".svc.cluster.local"
	}
	return host == service+"."+d.key.Namespace+".svc.cluster.local"
}

// routes are the rules of the oldest VirtualService for a Service: others are ignored.
func (d *describer) routes(service string) {
	all := slices.DeleteFunc(store.All[*istio.VirtualService](d.snap, ""), func(o *istio.VirtualService) bool {
		spec := o.Spec.Message()
		sidecars := len(spec.GetGateways()) == 0 || slices.Contains(spec.GetGateways(), "mesh")
		return !sidecars || !slices.ContainsFunc(spec.GetHosts(), func(h string) bool { return d.means(h, o.Namespace, service) })
	})
	slices.SortStableFunc(all, func(a, b *istio.VirtualService) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	if len(all) == 0 {
		d.line("  no VirtualService: to every endpoint of %s, without a timeout, with Istio's 2 retries", service)
		return
	}
	d.rules(all[0], service)
	for _, o := range all[1:] {
		d.line("  %s is ignored: %s is older", d.object(o), all[0].Name)
	}
}

// rules are those of a VirtualService, each with its line.
func (d *describer) rules(o *istio.VirtualService, service string) {
	source := d.snap.Source(resource.KeyOf(o))
	d.line("  %s routes %s:", d.object(o), service)
	for i, rule := range o.Spec.Message().GetHttp() {
		path := fmt.Sprintf("spec.http[%d]", i)
		what := "every request"
		if n := len(rule.GetMatch()); n > 0 {
			what = fmt.Sprintf("requests that fit one of %d matches", n)
		}
		d.line("    %s", strings.TrimSpace(fmt.Sprintf("%s %s: %s", source.At(path), strings.TrimPrefix(path, "spec."), what)))
		for _, r := range rule.GetRoute() {
			to := r.GetDestination()
			text := strings.TrimSuffix(to.GetHost()+" subset "+to.GetSubset(), " subset ")
			if len(rule.GetRoute()) > 1 {
				text += fmt.Sprintf(", weight %d", r.GetWeight())
			}
			d.line("      to %s", text)
		}
		if rule.GetTimeout() != nil {
			d.line("      timeout %s", rule.GetTimeout().AsDuration())
		}
		if rule.GetRetries() != nil {
			d.line("      retries %d", rule.GetRetries().GetAttempts())
		}
		if rule.GetFault() != nil {
			d.line("      with a fault, in the caller's sidecar")
		}
	}
}

// limits are the DestinationRules for a Service.
func (d *describer) limits(service string) {
	for _, o := range store.All[*istio.DestinationRule](d.snap, "") {
		spec := o.Spec.Message()
		if !d.means(spec.GetHost(), o.Namespace, service) {
			continue
		}
		var subsets []string
		for _, s := range spec.GetSubsets() {
			subsets = append(subsets, s.GetName())
		}
		d.line("  %s for %s: subsets %s", d.object(o), service, cmp.Or(strings.Join(subsets, ", "), "none"))
		if spec.GetTrafficPolicy().GetConnectionPool() != nil {
			d.line("    limits of connections and requests")
		}
		if spec.GetTrafficPolicy().GetOutlierDetection() != nil {
			d.line("    ejects endpoints that fail")
		}
	}
}

// selects reports whether a policy of a namespace is about pods.
func (d *describer) selects(namespace string, selector *typev1beta1.WorkloadSelector, pods labels.Set) bool {
	of := selector.GetMatchLabels()
	return (namespace == d.key.Namespace || namespace == rootNamespace) && labels.SelectorFromSet(of).Matches(pods)
}

// peers says which PeerAuthentication decides, as Istio does: for each of the root namespace, the pods' own and the pods
// themselves the oldest one counts, and a narrower one that has a mode goes before a wider one.
func (d *describer) peers(pods labels.Set) {
	all := store.All[*istio.PeerAuthentication](d.snap, "")
	slices.SortStableFunc(all, func(a, b *istio.PeerAuthentication) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	oldest := func(namespace string, own bool) *istio.PeerAuthentication {
		i := slices.IndexFunc(all, func(o *istio.PeerAuthentication) bool {
			of := o.Spec.Message().GetSelector().GetMatchLabels()
			return o.Namespace == namespace && len(of) > 0 == own && labels.SelectorFromSet(of).Matches(pods)
		})
		if i < 0 {
			return nil
		}
		return all[i]
	}
	var decides, own *istio.PeerAuthentication
	if d.key.Namespace != rootNamespace {
		own = oldest(d.key.Namespace, true)
	}
	for _, o := range []*istio.PeerAuthentication{oldest(rootNamespace, false), oldest(d.key.Namespace, false), own} {
		if o != nil && o.Spec.Message().GetMtls().GetMode() != security.PeerAuthentication_MutualTLS_UNSET {
			decides = o
		}
	}
	if decides == nil {
		d.line("  no PeerAuthentication has a mode: mTLS and plaintext are accepted")
	} else {
		d.line("  mTLS %s: %s of namespace %s decides", decides.Spec.Message().GetMtls().GetMode(), d.part(decides, "spec.mtls.mode"), decides.Namespace)
	}
	if own == nil {
		return
	}
	ports := own.Spec.Message().GetPortLevelMtls()
	for _, port := range slices.Sorted(maps.Keys(ports)) {
		if mode := ports[port].GetMode(); mode != security.PeerAuthentication_MutualTLS_UNSET {
			d.line("    for port %d mTLS %s: %s", port, mode, d.part(own, fmt.Sprintf("spec.portLevelMtls.%d", port)))
		}
	}
}

// part is an object with the line of a part of it: "PeerAuthentication default (strict.yaml:6)".
func (d *describer) part(o resource.Object, path string) string {
	key := resource.KeyOf(o)
	text := key.Kind + " " + key.Name
	if at := d.snap.Source(key).At(path); at != "" {
		text += " (" + at + ")"
	}
	return text
}

func (d *describer) policies(pods labels.Set) {
	allow := false
	for _, o := range store.All[*istio.RequestAuthentication](d.snap, "") {
		if d.selects(o.Namespace, o.Spec.Message().GetSelector(), pods) {
			d.line("  %s checks tokens, where a request has one", d.object(o))
		}
	}
	for _, o := range store.All[*istio.AuthorizationPolicy](d.snap, "") {
		spec := o.Spec.Message()
		if !d.selects(o.Namespace, spec.GetSelector(), pods) {
			continue
		}
		allow = allow || spec.GetAction() == security.AuthorizationPolicy_ALLOW
		d.line("  %s: %s, %d rules", d.object(o), spec.GetAction(), len(spec.GetRules()))
	}
	if allow {
		d.line("  a request that no ALLOW rule fits is denied")
	} else {
		d.line("  no ALLOW policy: requests are allowed unless a DENY rule fits")
	}
}
