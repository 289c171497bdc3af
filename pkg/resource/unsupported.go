package resource

import (
	"slices"
	"strings"
)

// otherKind is a well-known kind that the shop does not support.
type otherKind struct {
	// words are its name, plural and short names in lower case, and group the end of its API group; empty: of any.
	words []string
	group string
	// advice is what to do without it, or where it works.
	advice string
}

const (
	meshAdvice      = "this mesh has VirtualService, DestinationRule, Gateway, PeerAuthentication, AuthorizationPolicy and RequestAuthentication; on a cluster with Istio it works"
	schedulerAdvice = "everything runs on this machine, where there is nothing to schedule; leave it out"
	storageAdvice   = "a PersistentVolumeClaim is a directory of this machine, and needs no volume or class"
	rolesAdvice     = "this machine does not restrict what a ServiceAccount may do; leave it out"
)

// otherKinds are well-known kinds of Kubernetes, Istio and the Prometheus operator.
func otherKinds() []otherKind {
	return []otherKind{
		{[]string{"pod", "pods", "po"}, "", "write a Deployment with one replica; its instances are shown by shopctl ps --instances"},
		{[]string{"replicaset", "replicasets", "rs", "replicationcontroller", "replicationcontrollers", "rc"}, "", "write a Deployment, which keeps its instances itself"},
		{[]string{"statefulset", "statefulsets", "sts"}, "", "write a Deployment with a PersistentVolumeClaim and the strategy Recreate"},
		{[]string{"daemonset", "daemonsets", "ds"}, "", "this machine is the only node: write a Deployment with one replica"},
		{[]string{"job", "jobs", "cronjob", "cronjobs", "cj"}, "", "instances here always restart; write an init container of a Deployment, or run the program in a shell"},
		{[]string{"ingress", "ingresses", "ing", "ingressclass", "ingressclasses"}, "", "every Service has an address of this machine, which shopctl ps shows"},
		{[]string{"gateway", "gateways", "gw"}, "gateway.networking.k8s.io", "every Service has an address of this machine, which shopctl ps shows"},
		{[]string{"httproute", "httproutes", "grpcroute", "grpcroutes", "tcproute", "tlsroute", "gatewayclass", "gatewayclasses"}, "", "every Service has an address of this machine, which shopctl ps shows"},
		{[]string{"horizontalpodautoscaler", "horizontalpodautoscalers", "hpa", "verticalpodautoscaler", "vpa"}, "", "this version does not scale by load; use shopctl scale SERVICE --replicas NUMBER"},
		{[]string{"poddisruptionbudget", "poddisruptionbudgets", "pdb"}, "", "nothing evicts instances here; strategy.rollingUpdate.maxUnavailable of the Deployment bounds rollouts"},
		{[]string{"networkpolicy", "networkpolicies", "netpol"}, "", "processes of one machine are not kept from calling each other; leave it out"},
		{[]string{"persistentvolume", "persistentvolumes", "pv", "storageclass", "storageclasses", "sc", "volumeattachment", "csidriver"}, "", storageAdvice},
		{[]string{"endpoints", "endpoint", "ep", "endpointslice", "endpointslices"}, "", "Services find their instances by their selector; give a program outside of the shop by its address in a variable"},
		{[]string{"customresourcedefinition", "customresourcedefinitions", "crd", "crds"}, "", "there are no controllers of custom resources here; on a cluster it works"},
		{[]string{"role", "roles", "rolebinding", "rolebindings", "clusterrole", "clusterroles", "clusterrolebinding", "clusterrolebindings"}, "", rolesAdvice},
		{[]string{"node", "nodes", "no", "priorityclass", "priorityclasses", "pc", "runtimeclass", "runtimeclasses", "limitrange", "limitranges", "limits", "resourcequota", "resourcequotas", "quota"}, "", schedulerAdvice},
		{[]string{"event", "events", "ev"}, "", "shopctl events shows them"},
		{[]string{"lease", "leases", "mutatingwebhookconfiguration", "validatingwebhookconfiguration", "apiservice", "certificatesigningrequest", "csr"}, "", "there is no API server here; leave it out"},
		{[]string{"servicemonitor", "servicemonitors", "smon", "podmonitor", "podmonitors", "pmon", "probe", "scrapeconfig"}, "", "annotate the pod template instead: prometheus.io/scrape: \"true\" and prometheus.io/port"},
		{[]string{"prometheus", "prometheuses", "alertmanager", "alertmanagers", "alertmanagerconfig"}, "", "the shop evaluates PrometheusRules itself; shopctl export prometheus writes a configuration for a Prometheus of your own"},
		{[]string{"kustomization"}, "", "build it first: kubectl kustomize DIR | shopctl apply -f -"},
		{[]string{"serviceentry", "serviceentries", "se", "sidecar", "sidecars", "workloadentry", "workloadentries", "we", "workloadgroup", "workloadgroups", "wg", "envoyfilter", "envoyfilters", "proxyconfig", "proxyconfigs", "wasmplugin", "wasmplugins"}, "", meshAdvice},
		{[]string{"telemetry", "telemetries"}, "", "traces and metrics of the services are there without it: shopctl trace list, shopctl metrics"},
	}
}

// adviceFor is what to do without a kind that the shop does not support; empty for kinds that are not known. apiVersion is
// empty where only a word was given.
func adviceFor(apiVersion, kind string) string {
	word, wordGroup, _ := strings.Cut(strings.ToLower(kind), ".")
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group = wordGroup
	}
	for _, k := range otherKinds() {
		if slices.Contains(k.words, word) && (k.group == "" || k.group == group) {
			return k.advice
		}
	}
	return ""
}
