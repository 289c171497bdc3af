package advice

import (
	"fmt"

	networking "istio.io/api/networking/v1alpha3"
)

const (
	// defaultEjectionPercent is maxEjectionPercent where it is not written.
	defaultEjectionPercent = 10
	// defaultConsecutive5xx is consecutive5xxErrors where it is not written. It is Envoy's.
	defaultConsecutive5xx = 5
)

// OfDestinationRule returns the findings about a DestinationRule.
func OfDestinationRule(d DestinationRule, world World) []Issue {
	f := &finder{World: world, namespace: d.Namespace}
	s, ok := f.host("spec.host", d.Spec.GetHost())
	if !ok {
		f.policy("spec.trafficPolicy", d.Spec.GetTrafficPolicy(), f.meant(d.Spec.GetHost()), 0)
		for i, subset := range d.Spec.GetSubsets() {
			f.policy(fmt.Sprintf("spec.subsets[%d].trafficPolicy", i), subset.GetTrafficPolicy(), f.meant(d.Spec.GetHost()), 0)
		}
		return f.issues
	}
	for _, o := range f.DestinationRules {
		if o.Namespace == d.Namespace && o.Name != d.Name && fullName(o.Spec.GetHost(), o.Namespace) == s.host() {
			f.add("spec.host", "DestinationRule %s has this host too: the older one's trafficPolicy holds, and subsets with new names are added; put both in one", o.Name)
		}
	}
	pods := f.behind(s)
	f.policy("spec.trafficPolicy", d.Spec.GetTrafficPolicy(), s, replicas(pods))
	for i, subset := range d.Spec.GetSubsets() {
		path := fmt.Sprintf("spec.subsets[%d]", i)
		var with []Workload
		for _, w := range pods {
			if includes(w.Labels, subset.GetLabels()) {
				with = append(with, w)
			}
		}
		if len(with) == 0 && len(pods) > 0 {
			f.add(path+".labels", "no pods of %s have these labels: calls to the subset fail with UNAVAILABLE (flag UH); they have %s", s.Name, describeLabels(pods, subset.GetLabels()))
		}
		f.policy(path+".trafficPolicy", subset.GetTrafficPolicy(), s, replicas(with))
	}
	return f.issues
}

func replicas(pods []Workload) int {
	n := 0
	for _, w := range pods {
		n += w.Replicas
	}
	return n
}

// describeLabels lists what pods have under the keys of a selector.
func describeLabels(pods []Workload, selector map[string]string) string {
	text := ""
	for _, key := range sortedKeys(selector) {
		for _, w := range pods {
			if text != "" {
				text += ", "
			}
			if value, ok := w.Labels[key]; ok {
				text += key + ": " + value
			} else {
				text += "no label " + key
			}
		}
	}
	return text
}

func (f *finder) policy(path string, p *networking.TrafficPolicy, s Service, replicas int) {
	if p == nil {
		return
	}
	f.outliers(path+".outlierDetection", p.GetOutlierDetection(), replicas)
	http := p.GetConnectionPool().GetHttp()
	upgraded := http.GetH2UpgradePolicy() == networking.ConnectionPoolSettings_HTTPSettings_UPGRADE
	if http.GetHttp1MaxPendingRequests() > 0 && http.GetHttp2MaxRequests() == 0 && (s.HTTP2 || upgraded) {
		f.add(path+".connectionPool.http.http1MaxPendingRequests",
			"hardly ever reached with HTTP/2, where requests wait only for a first connection; to bound requests use http2MaxRequests")
	}
}

func (f *finder) outliers(path string, o *networking.OutlierDetection, replicas int) {
	if o == nil {
		return
	}
	//lint:ignore SA1019 Istio still accepts the older field, and ignores it.
	if n := o.GetConsecutiveErrors(); n > 0 {
		f.add(path+".consecutiveErrors", "is ignored, so an endpoint is ejected after %d errors; write consecutive5xxErrors: %d", defaultConsecutive5xx, n)
	}
	limit := int(o.GetMaxEjectionPercent())
	if limit == 0 {
		limit = defaultEjectionPercent
	}
	if needs := (100 + limit - 1) / limit; replicas > 0 && replicas < needs {
		at, written := path+".maxEjectionPercent", "is"
		if o.GetMaxEjectionPercent() == 0 {
			at, written = path, "maxEjectionPercent is"
		}
		f.add(at, "%s %d: of fewer than %d endpoints none is ejected, and there %s %d; write %d or more", written, limit, needs,
			map[bool]string{true: "is", false: "are"}[replicas == 1], replicas, (100+replicas-1)/replicas)
	}
	gateway := o.GetConsecutiveGatewayErrors().GetValue()
	fiveHundreds := uint32(defaultConsecutive5xx)
	if o.GetConsecutive_5XxErrors() != nil {
		fiveHundreds = o.GetConsecutive_5XxErrors().GetValue()
	}
	if gateway > 0 && fiveHundreds > 0 && gateway >= fiveHundreds {
		f.add(path+".consecutiveGatewayErrors", "has no effect: consecutive5xxErrors, which counts these errors too, ejects after %d; write consecutive5xxErrors: 0 to count gateway errors alone", fiveHundreds)
	}
}
