package resource

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// maxData is the API server's limit on the data of a ConfigMap or a Secret, in bytes.
const maxData = 1 << 20

func configMapKind() Kind {
	return definition[*corev1.ConfigMap]{
		Kind: Kind{
			Name: KindConfigMap, APIVersion: "v1", Plural: "configmaps", Short: []string{"cm"},
			Namespaced: true, Restorable: true,
		},
		empty: func() *corev1.ConfigMap { return &corev1.ConfigMap{} },
		check: checkConfigMap,
		checkUpdate: func(c *admission.Issues, old, updated *corev1.ConfigMap) {
			c.Immutable(old.Immutable, updated.Immutable, admission.Equal(old.Data, updated.Data))
			if immutable := old.Immutable; immutable != nil && *immutable && !admission.Equal(old.BinaryData, updated.BinaryData) {
				c.Add("binaryData", "cannot change, the object is immutable; delete it first")
			}
		},
		columns: []column[*corev1.ConfigMap]{
			{"DATA", func(o *corev1.ConfigMap) string { return strconv.Itoa(configMapKeys(o)) }},
		},
		summary:  func(o *corev1.ConfigMap) string { return humanize.Count(configMapKeys(o), "key") },
		describe: describeConfigMap,
	}.kind()
}

func configMapKeys(o *corev1.ConfigMap) int { return len(o.Data) + len(o.BinaryData) }

func checkConfigMap(c *admission.Issues, o *corev1.ConfigMap) {
	size := 0
	for _, k := range slices.Sorted(maps.Keys(o.Data)) {
		c.Rule(admission.Entry("data", k), k, validation.IsConfigMapKey(k))
		size += len(o.Data[k])
		if _, twice := o.BinaryData[k]; twice {
			c.Add(admission.Entry("binaryData", k), "is already in data")
		}
	}
	for _, k := range slices.Sorted(maps.Keys(o.BinaryData)) {
		c.Rule(admission.Entry("binaryData", k), k, validation.IsConfigMapKey(k))
		size += len(o.BinaryData[k])
	}
	if size > maxData {
		c.Add("data", "%d bytes are too many; a ConfigMap may have %d", size, maxData)
	}
}

func describeConfigMap(p Printer, o *corev1.ConfigMap, _ *Live) {
	fmt.Fprintln(p, "Data:")
	for _, key := range slices.Sorted(maps.Keys(o.Data)) {
		fmt.Fprintf(p, "  %s: %q\n", key, o.Data[key])
	}
}
