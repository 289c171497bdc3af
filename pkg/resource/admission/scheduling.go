package admission

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// maxWeight is the most that the weight of a preference may be.
const maxWeight = 100

// scheduling checks where a pod may run.
func (c *Issues) scheduling(path string, p *corev1.PodSpec) {
	c.Labels(path+".nodeSelector", p.NodeSelector)
	for i := range p.Tolerations {
		c.toleration(Item(path+".tolerations", i), &p.Tolerations[i])
	}
	kinds := map[string]bool{}
	for i := range p.TopologySpreadConstraints {
		s, at := &p.TopologySpreadConstraints[i], Item(path+".topologySpreadConstraints", i)
		c.spread(at, s)
		kind := s.TopologyKey + " " + string(s.WhenUnsatisfiable)
		if kinds[kind] {
			c.Add(at, "another constraint has topologyKey %q and whenUnsatisfiable: %s", s.TopologyKey, s.WhenUnsatisfiable)
		}
		kinds[kind] = true
	}
	gates := map[string]bool{}
	for i, g := range p.SchedulingGates {
		at := Item(path+".schedulingGates", i)
		c.Rule(at+".name", g.Name, validation.IsQualifiedName(g.Name))
		if gates[g.Name] {
			c.Add(at, "%q is the name of another gate", g.Name)
		}
		gates[g.Name] = true
	}
	if p.Affinity == nil {
		return
	}
	c.nodeAffinity(path+".affinity.nodeAffinity", p.Affinity.NodeAffinity)
	if a := p.Affinity.PodAffinity; a != nil {
		c.podAffinity(path+".affinity.podAffinity", a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a := p.Affinity.PodAntiAffinity; a != nil {
		c.podAffinity(path+".affinity.podAntiAffinity", a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
}

func (c *Issues) toleration(path string, t *corev1.Toleration) {
	if t.Key != "" {
		c.Rule(path+".key", t.Key, validation.IsQualifiedName(t.Key))
	} else if t.Operator != corev1.TolerationOpExists {
		c.Add(path+".operator", "%q needs a key; without one it must be Exists", t.Operator)
	}
	if t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute {
		c.Add(path+".effect", "%q has no tolerationSeconds; NoExecute has", t.Effect)
	}
	switch t.Operator {
	case corev1.TolerationOpEqual, "":
		c.Rule(path+".operator", t.Value, validation.IsValidLabelValue(t.Value))
	case corev1.TolerationOpExists:
		if t.Value != "" {
			c.Add(path+".operator", "Exists takes no value, and %q is given", t.Value)
		}
	}
}

func (c *Issues) spread(path string, s *corev1.TopologySpreadConstraint) {
	c.AtLeast(path+".maxSkew", int64(s.MaxSkew), 1)
	c.topologyKey(path+".topologyKey", s.TopologyKey)
	OneOf(c, path+".whenUnsatisfiable", s.WhenUnsatisfiable, corev1.DoNotSchedule, corev1.ScheduleAnyway)
	if s.MinDomains != nil {
		c.AtLeast(path+".minDomains", int64(*s.MinDomains), 1)
		if s.WhenUnsatisfiable != corev1.DoNotSchedule {
			c.Add(path+".minDomains", "needs whenUnsatisfiable: DoNotSchedule")
		}
	}
	for _, f := range []struct {
		name   string
		policy *corev1.NodeInclusionPolicy
	}{{"nodeAffinityPolicy", s.NodeAffinityPolicy}, {"nodeTaintsPolicy", s.NodeTaintsPolicy}} {
		if f.policy != nil {
			OneOf(c, path+"."+f.name, *f.policy, corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore)
		}
	}
	c.Selector(path+".labelSelector", s.LabelSelector)
	c.labelKeys(path, s.LabelSelector, s.MatchLabelKeys, nil)
}

// labelKeys checks keys of labels whose values are those of the pod itself.
func (c *Issues) labelKeys(path string, s *metav1.LabelSelector, match, mismatch []string) {
	first := map[string]string{}
	for _, f := range []struct {
		name string
		keys []string
	}{{"matchLabelKeys", match}, {"mismatchLabelKeys", mismatch}} {
		at := path + "." + f.name
		if len(f.keys) > 0 && s == nil {
			c.Add(at, "needs a labelSelector")
		}
		for i, key := range f.keys {
			c.Rule(Item(at, i), key, validation.IsQualifiedName(key))
			if before := first[key]; before != "" {
				c.Add(before, "%q is there twice", key)
				continue
			}
			first[key] = Item(at, i)
		}
	}
}

func (c *Issues) topologyKey(path, key string) {
	if !c.Required(path, key) {
		c.Rule(path, key, validation.IsQualifiedName(key))
	}
}

// Selector checks the labels and expressions of a selector.
func (c *Issues) Selector(path string, s *metav1.LabelSelector) {
	if s == nil {
		return
	}
	c.Labels(path+".matchLabels", s.MatchLabels)
	for i, e := range s.MatchExpressions {
		at := Item(path+".matchExpressions", i)
		c.Rule(at+".key", e.Key, validation.IsQualifiedName(e.Key))
		c.values(at, string(e.Operator), e.Values)
		OneOf(c, at+".operator", e.Operator,
			metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist)
		for j, v := range e.Values {
			c.Rule(Item(at+".values", j), v, validation.IsValidLabelValue(v))
		}
	}
}

// values checks that an operator has as many values as it takes.
func (c *Issues) values(path, operator string, values []string) {
	switch operator {
	case string(metav1.LabelSelectorOpIn), string(metav1.LabelSelectorOpNotIn):
		if len(values) == 0 {
			c.Add(path+".values", "is missing; %s needs values", operator)
		}
	case string(metav1.LabelSelectorOpExists), string(metav1.LabelSelectorOpDoesNotExist):
		if len(values) > 0 {
			c.Add(path+".values", "%s takes no values", operator)
		}
	case string(corev1.NodeSelectorOpGt), string(corev1.NodeSelectorOpLt):
		if len(values) != 1 {
			c.Add(path+".values", "%s takes one value", operator)
		}
	}
}

func (c *Issues) nodeAffinity(path string, a *corev1.NodeAffinity) {
	if a == nil {
		return
	}
	if required := a.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		at := path + ".requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
		if len(required.NodeSelectorTerms) == 0 {
			c.Add(at, "is missing; there must be at least one term")
		}
		for i := range required.NodeSelectorTerms {
			c.nodeTerm(Item(at, i), &required.NodeSelectorTerms[i])
		}
	}
	for i := range a.PreferredDuringSchedulingIgnoredDuringExecution {
		p := &a.PreferredDuringSchedulingIgnoredDuringExecution[i]
		at := Item(path+".preferredDuringSchedulingIgnoredDuringExecution", i)
		c.Between(at+".weight", int64(p.Weight), 1, maxWeight)
		c.nodeTerm(at+".preference", &p.Preference)
	}
}

func (c *Issues) nodeTerm(path string, t *corev1.NodeSelectorTerm) {
	for i, e := range t.MatchExpressions {
		at := Item(path+".matchExpressions", i)
		c.Rule(at+".key", e.Key, validation.IsQualifiedName(e.Key))
		c.values(at, string(e.Operator), e.Values)
		OneOf(c, at+".operator", e.Operator, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists,
			corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt)
		for j, v := range e.Values {
			c.Rule(Item(at+".values", j), v, validation.IsValidLabelValue(v))
		}
	}
	for i, f := range t.MatchFields {
		at := Item(path+".matchFields", i)
		OneOf(c, at+".key", f.Key, metav1.ObjectNameField)
		OneOf(c, at+".operator", f.Operator, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn)
		if len(f.Values) != 1 {
			c.Add(at+".values", "must have one value; it has %d", len(f.Values))
		}
	}
}

func (c *Issues) podAffinity(path string, required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) {
	for i := range required {
		c.podTerm(Item(path+".requiredDuringSchedulingIgnoredDuringExecution", i), &required[i])
	}
	for i := range preferred {
		at := Item(path+".preferredDuringSchedulingIgnoredDuringExecution", i)
		c.Between(at+".weight", int64(preferred[i].Weight), 1, maxWeight)
		c.podTerm(at+".podAffinityTerm", &preferred[i].PodAffinityTerm)
	}
}

func (c *Issues) podTerm(path string, t *corev1.PodAffinityTerm) {
	c.topologyKey(path+".topologyKey", t.TopologyKey)
	c.Selector(path+".labelSelector", t.LabelSelector)
	c.Selector(path+".namespaceSelector", t.NamespaceSelector)
	c.labelKeys(path, t.LabelSelector, t.MatchLabelKeys, t.MismatchLabelKeys)
	for i, ns := range t.Namespaces {
		c.Rule(Item(path+".namespaces", i), ns, validation.IsDNS1123Label(ns))
	}
}

// The limits of a resolver's configuration.
const (
	maxNameservers = 3
	maxSearches    = 32
	maxSearchChars = 2048
)

// dns checks how names are resolved.
func (c *Issues) dns(path string, policy corev1.DNSPolicy, d *corev1.PodDNSConfig) {
	if policy == corev1.DNSNone && (d == nil || len(d.Nameservers) == 0) {
		at := path
		if d != nil {
			at += ".nameservers"
		}
		c.Add(at, "is missing; dnsPolicy None needs a name server")
		return
	}
	if d == nil {
		return
	}
	if len(d.Nameservers) > maxNameservers {
		c.Add(path+".nameservers", "%d are too many; there may be %d", len(d.Nameservers), maxNameservers)
	}
	for i, ns := range d.Nameservers {
		c.IP(Item(path+".nameservers", i), ns)
	}
	if n := len(strings.Join(d.Searches, " ")); len(d.Searches) > maxSearches || n > maxSearchChars {
		c.Add(path+".searches", "%d with %d characters are too many; there may be %d with %d", len(d.Searches), n, maxSearches, maxSearchChars)
	}
	for i, s := range d.Searches {
		if s != "." {
			s = strings.ReplaceAll(strings.TrimSuffix(s, "."), "_", "-")
			c.Rule(Item(path+".searches", i), d.Searches[i], validation.IsDNS1123Subdomain(s))
		}
	}
	for i, o := range d.Options {
		c.Required(Item(path+".options", i), o.Name)
	}
}

// IP checks an address.
func (c *Issues) IP(path, address string) {
	if _, err := netip.ParseAddr(address); err != nil {
		c.Add(path, "%q is not an IP address", address)
	}
}
