package servicename_test

import (
	"errors"
	"testing"

	"github.com/shopctl/shopctl/pkg/servicename"
)

// entries are a shop with two namespaces that have names in common.
func entries() []servicename.Entry {
	return []servicename.Entry{
		{Namespace: "default", Workload: "web", Services: []string{"web"}, Pods: []string{"default.web-1"}},
		{Namespace: "default", Workload: "only-here", Services: []string{"only-here"}},
		{Namespace: "production", Workload: "web", Services: []string{"web"}, Pods: []string{"web-1", "web-2"}},
		{Namespace: "production", Workload: "productcatalogservice", Short: "catalog", Services: []string{"productcatalogservice"}},
		{Namespace: "production", Workload: "shop-blue", Services: []string{"shop", "blue"}},
		{Namespace: "production", Workload: "shop-green", Services: []string{"shop"}},
		{Namespace: "staging", Workload: "productcatalogservice", Short: "catalog", Services: []string{"productcatalogservice"}},
		{Namespace: "staging", Workload: "catalog", Services: []string{"catalog"}},
		{Namespace: "pod", Workload: "web"},
	}
}

func TestANameMeansOneWorkloadOfItsNamespace(t *testing.T) {
	for _, tc := range []struct{ namespace, word, want string }{
		{"", "web", "production/web"},
		{"default", "web", "default/web"},
		{"", "default/web", "default/web"},
		{"default", "default/web", "default/web"},
		{"", "deployment/web", "production/web"},
		{"", "deploy/web", "production/web"},
		{"", "Deployments/web", "production/web"},
		{"", "deployments.apps/web", "production/web"},
		{"", "deployment.v1.apps/web", "production/web"},
		{"default", "deployments.apps/web", "default/web"},
		{"", "default/deployment/web", "default/web"},
		{"", "svc/web", "production/web"},
		{"", "service/productcatalogservice", "production/productcatalogservice"},
		{"", "services/catalog", "production/productcatalogservice"},
		{"", "svc/blue", "production/shop-blue"},
		{"", "blue", "production/shop-blue"},
		{"", "pod/web-2", "production/web"},
		{"", "po/web-1", "production/web"},
		{"default", "pods/default.web-1", "default/web"},
		{"pod", "web", "pod/web"},
		{"", "pod/deploy/web", "pod/web"},
		{"", "catalog", "production/productcatalogservice"},
		{"", "CATALOG", "production/productcatalogservice"},
		{"", "ProductCatalogService", "production/productcatalogservice"},
		{"staging", "catalog", "staging/catalog"},
		{"staging", "productcatalogservice", "staging/productcatalogservice"},
	} {
		i, _, err := servicename.Find(entries(), "production", tc.namespace, tc.word)
		if err != nil {
			t.Errorf("%q in %q: %v", tc.word, tc.namespace, err)
			continue
		}
		if e := entries()[i]; e.Namespace+"/"+e.Workload != tc.want {
			t.Errorf("%q in %q is %s/%s, want %s", tc.word, tc.namespace, e.Namespace, e.Workload, tc.want)
		}
	}
}

func TestANameThatMeansNothingOrSeveralThingsSaysSo(t *testing.T) {
	for _, tc := range []struct{ namespace, word, want, hint string }{
		{"", "nosuch", `no service "nosuch"`, ""},
		{"", "only-here", `no service "only-here" in namespace "production"`, "there is one in another namespace: add --namespace default"},
		{"staging", "web", `no service "web" in namespace "staging"`, "there is one in another namespace: add --namespace default, or --namespace pod, or --namespace production"},
		{"", "deployment/only-here", `no deployment "only-here" in namespace "production"`, "there is one in another namespace: add --namespace default"},
		{"", "pod/web", `no pod "web"`, ""},
		{"", "svc/shop", `service "shop" leads to several deployments: shop-blue, shop-green`, "name one of them: shop-blue"},
		{"", "shop", `service "shop" leads to several deployments: shop-blue, shop-green`, "name one of them: shop-blue"},
		{"staging", "default/web", `"default/web" is in namespace "default", and --namespace is "staging"`, "leave out one of the two, or use --namespace default"},
		{"", "configmap/web", `no service "configmap/web"`, "before the slash comes a namespace, or one of the kinds deployment, service and pod"},
		{"", "a/b/c", `no service "a/b/c"`, "before the slash comes a namespace, or one of the kinds deployment, service and pod"},
		{"", "", `no service ""`, ""},
	} {
		_, _, err := servicename.Find(entries(), "production", tc.namespace, tc.word)
		var e *servicename.Error
		if !errors.As(err, &e) || e.Error() != tc.want || e.Hint() != tc.hint {
			t.Errorf("%q in %q: %v", tc.word, tc.namespace, err)
			if e != nil {
				t.Errorf("hint %q", e.Hint())
			}
		}
	}
}

func TestANamespaceGoesInFrontOfANameThatHasNone(t *testing.T) {
	for _, tc := range [][3]string{
		{"", "web", "web"},
		{"default", "web", "default/web"},
		{"default", "deployment/web", "default/deployment/web"},
		{"default", "staging/web", "staging/web"},
		{"default", "", ""},
	} {
		if got := servicename.In(tc[0], tc[1]); got != tc[2] {
			t.Errorf("%q in %q is %q", tc[1], tc[0], got)
		}
	}
}
