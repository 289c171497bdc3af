package resource_test

import (
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/resource"
)

func TestKindsAreFoundByEveryNameTheyHave(t *testing.T) {
	for word, want := range map[string]string{
		"deployments": "Deployment", "deployment": "Deployment", "Deployment": "Deployment", "deploy": "Deployment", "deployments.apps": "Deployment",
		"svc": "Service", "services": "Service", "cm": "ConfigMap", "configmap": "ConfigMap", "secrets": "Secret",
		"sa": "ServiceAccount", "ServiceAccounts": "ServiceAccount", "ns": "Namespace", "namespaces": "Namespace",
		"prometheusrules": "PrometheusRule", "promrule": "PrometheusRule", "prometheusrules.monitoring.coreos.com": "PrometheusRule",
	} {
		if k, err := resource.LookupKind(word); err != nil || k.Name != want {
			t.Errorf("%s is %q, error %v", word, k.Name, err)
		}
	}
}

func TestAnUnknownKindGetsAListOfWhatIsSupported(t *testing.T) {
	const supported = "supported are Deployment (apps/v1), PrometheusRule (monitoring.coreos.com/v1), DestinationRule, VirtualService, Gateway (networking.istio.io/v1), PeerAuthentication, RequestAuthentication, AuthorizationPolicy (security.istio.io/v1) and Namespace, ServiceAccount, Secret, ConfigMap, PersistentVolumeClaim, Service (v1)"
	for word, want := range map[string]string{
		"widgets":    `kind "widgets" is not supported; ` + supported,
		"deploymnet": `kind "deploymnet" is not supported; did you mean "Deployment"?; ` + supported,
		"servcies":   `kind "servcies" is not supported; did you mean "services"?; ` + supported,
	} {
		if _, err := resource.LookupKind(word); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	if _, err := resource.KindFor("v1", "Deployment"); err == nil || err.Error() != "Deployment has apiVersion apps/v1, not v1" {
		t.Error(err)
	}
}

func TestAKnownKindThatIsNotSupportedSaysWhatToDoInstead(t *testing.T) {
	for word, want := range map[string]string{
		"pods": "shopctl ps --instances", "Pod": "write a Deployment with one replica", "StatefulSet": "PersistentVolumeClaim", "ds": "only node",
		"Job": "init container", "cronjobs.batch": "init container", "ingress": "shopctl ps", "ing": "shopctl ps", "hpa": "shopctl scale",
		"PodDisruptionBudget": "maxUnavailable", "netpol": "leave it out", "pv": "PersistentVolumeClaim is a directory", "StorageClass": "PersistentVolumeClaim is a directory",
		"CustomResourceDefinition": "on a cluster it works", "ClusterRoleBinding": "leave it out", "nodes": "this machine", "ServiceMonitor": "prometheus.io/scrape",
		"EndpointSlice": "selector", "events": "shopctl events", "ReplicaSet": "write a Deployment", "HTTPRoute": "shopctl ps",
	} {
		_, err := resource.LookupKind(word)
		if err == nil || !strings.HasPrefix(err.Error(), `kind "`+word+`" is not supported: `) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", word, err)
		}
	}
	for version, kinds := range map[string][]string{
		"networking.istio.io/v1":       {"ServiceEntry", "Sidecar", "WorkloadEntry"},
		"networking.istio.io/v1alpha3": {"EnvoyFilter"},
		"extensions.istio.io/v1alpha1": {"WasmPlugin"},
		"networking.istio.io/v1beta1":  {"ProxyConfig", "WorkloadGroup"},
	} {
		for _, kind := range kinds {
			if _, err := resource.KindFor(version, kind); err == nil || !strings.Contains(err.Error(), "this mesh has VirtualService, DestinationRule, Gateway, PeerAuthentication") {
				t.Errorf("%s of %s: %v", kind, version, err)
			}
		}
	}
	if _, err := resource.KindFor("telemetry.istio.io/v1", "Telemetry"); err == nil || !strings.Contains(err.Error(), "shopctl trace list") {
		t.Errorf("Telemetry: %v", err)
	}
	if _, err := resource.KindFor("gateway.networking.k8s.io/v1", "Gateway"); err == nil || strings.Contains(err.Error(), "mesh") {
		t.Errorf("the Gateway of Kubernetes: %v", err)
	}
}

func TestNewObjectsCarryTheirType(t *testing.T) {
	for _, k := range resource.Kinds() {
		o := k.New()
		if gvk := o.GetObjectKind().GroupVersionKind(); gvk.Kind != k.Name || gvk.GroupVersion().String() != k.APIVersion || resource.KeyOf(o).Kind != k.Name {
			t.Errorf("%v", gvk)
		}
	}
}

func TestAllVersionsOfIstiosKindsThatIstioServesAreRead(t *testing.T) {
	for kind, versions := range map[string][]string{
		"VirtualService":        {"networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"},
		"DestinationRule":       {"networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"},
		"Gateway":               {"networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"},
		"PeerAuthentication":    {"security.istio.io/v1", "security.istio.io/v1beta1"},
		"AuthorizationPolicy":   {"security.istio.io/v1", "security.istio.io/v1beta1"},
		"RequestAuthentication": {"security.istio.io/v1", "security.istio.io/v1beta1"},
	} {
		for _, version := range versions {
			if k, err := resource.KindFor(version, kind); err != nil || k.APIVersion != versions[0] {
				t.Errorf("%s of %s is stored as %q, error %v", kind, version, k.APIVersion, err)
			}
		}
		if _, err := resource.KindFor(versions[0]+"alpha9", kind); err == nil {
			t.Errorf("a version of %s that does not exist is read", kind)
		}
	}
}
