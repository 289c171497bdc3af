package resource_test

import (
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
	const supported = "supported are Deployment (apps/v1), PrometheusRule (monitoring.coreos.com/v1) and Namespace, ServiceAccount, Secret, ConfigMap, PersistentVolumeClaim, Service (v1)"
	for word, want := range map[string]string{
		"pods":       `kind "pods" is not supported; ` + supported,
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

func TestNewObjectsCarryTheirType(t *testing.T) {
	for _, k := range resource.Kinds() {
		o := k.New()
		if gvk := o.GetObjectKind().GroupVersionKind(); gvk.Kind != k.Name || gvk.GroupVersion().String() != k.APIVersion || resource.KeyOf(o).Kind != k.Name {
			t.Errorf("%v", gvk)
		}
	}
}
