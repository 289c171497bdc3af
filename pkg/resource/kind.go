package resource

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource/monitoring"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// The kinds that have a meaning in the shop.
const (
	KindDeployment     = "Deployment"
	KindService        = "Service"
	KindConfigMap      = "ConfigMap"
	KindSecret         = "Secret"
	KindServiceAccount = "ServiceAccount"
	KindNamespace      = "Namespace"
	KindPrometheusRule = "PrometheusRule"
)

// Kind describes one kind of object and the words people have for it.
type Kind struct {
	// Name as in manifests: "Deployment".
	Name string
	// APIVersion as in manifests: "apps/v1".
	APIVersion string
	// Plural, as in "shopctl get deployments".
	Plural string
	// Short names, as kubectl knows them: "deploy".
	Short []string
	// Namespaced is false for kinds that stand outside of namespaces.
	Namespaced bool

	create func() Object
}

// Singular is the name in lower case: "deployment".
func (k Kind) Singular() string { return strings.ToLower(k.Name) }

// New returns an empty object of the kind with apiVersion and kind set.
func (k Kind) New() Object {
	o := k.create()
	setType(o, k)
	return o
}

// Kinds returns all supported kinds, in the order in which a manifest would list them.
func Kinds() []Kind {
	return []Kind{
		{KindNamespace, "v1", "namespaces", []string{"ns"}, false, func() Object { return &corev1.Namespace{} }},
		{KindServiceAccount, "v1", "serviceaccounts", []string{"sa"}, true, func() Object { return &corev1.ServiceAccount{} }},
		{KindConfigMap, "v1", "configmaps", []string{"cm"}, true, func() Object { return &corev1.ConfigMap{} }},
		{KindSecret, "v1", "secrets", nil, true, func() Object { return &corev1.Secret{} }},
		{KindDeployment, "apps/v1", "deployments", []string{"deploy"}, true, func() Object { return &appsv1.Deployment{} }},
		{KindService, "v1", "services", []string{"svc"}, true, func() Object { return &corev1.Service{} }},
		{KindPrometheusRule, monitoring.APIVersion, "prometheusrules", []string{"promrule"}, true, func() Object { return &monitoring.PrometheusRule{} }},
	}
}

// LookupKind finds the kind that people mean: name, plural, singular or short name in any case, with or
// without the API group ("deployments.apps"). The error is an *UnsupportedKindError.
func LookupKind(word string) (Kind, error) {
	folded := strings.ToLower(word)
	for _, k := range Kinds() {
		if slices.Contains(k.words(), folded) {
			return k, nil
		}
	}
	return Kind{}, &UnsupportedKindError{Kind: word}
}

// KindFor finds the kind that a manifest names exactly. The error is an *UnsupportedKindError.
func KindFor(apiVersion, kind string) (Kind, error) {
	for _, k := range Kinds() {
		if k.Name == kind && k.APIVersion == apiVersion {
			return k, nil
		}
	}
	return Kind{}, &UnsupportedKindError{APIVersion: apiVersion, Kind: kind}
}

// words are all names of the kind in lower case.
func (k Kind) words() []string {
	words := append([]string{k.Singular(), k.Plural}, k.Short...)
	if group, _, ok := strings.Cut(k.APIVersion, "/"); ok {
		words = append(words, k.Singular()+"."+group, k.Plural+"."+group)
	}
	return words
}

// UnsupportedKindError says that a kind has no meaning in the shop, and which have.
type UnsupportedKindError struct {
	// APIVersion is empty where only a word was given.
	APIVersion string
	Kind       string
}

func (e *UnsupportedKindError) Error() string {
	var words, versions []string
	byVersion := map[string][]string{}
	for _, k := range Kinds() {
		if k.Name == e.Kind && e.APIVersion != "" {
			return fmt.Sprintf("%s has apiVersion %s, not %s", k.Name, k.APIVersion, e.APIVersion)
		}
		words = append(words, k.Name)
		if e.APIVersion == "" {
			words = append(words, k.words()...)
		}
		if byVersion[k.APIVersion] == nil {
			versions = append(versions, k.APIVersion)
		}
		byVersion[k.APIVersion] = append(byVersion[k.APIVersion], k.Name)
	}
	what := fmt.Sprintf("kind %q", e.Kind)
	if e.APIVersion != "" {
		what += fmt.Sprintf(" of apiVersion %q", e.APIVersion)
	}
	if meant := suggest.Typo(e.Kind, words); meant != "" {
		what += fmt.Sprintf(" is not supported; did you mean %q?", meant)
	} else {
		what += " is not supported"
	}
	slices.Sort(versions) // the core's own has no group and comes last
	for i, v := range versions {
		versions[i] = fmt.Sprintf("%s (%s)", strings.Join(byVersion[v], ", "), v)
	}
	last := len(versions) - 1
	return fmt.Sprintf("%s; supported are %s and %s", what, strings.Join(versions[:last], ", "), versions[last])
}
