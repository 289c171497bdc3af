package resource

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/resource/admission"
)

func secretKind() Kind {
	return definition[*corev1.Secret]{
		Kind:     Kind{Name: KindSecret, APIVersion: "v1", Plural: "secrets", Namespaced: true, Restorable: true},
		empty:    func() *corev1.Secret { return &corev1.Secret{} },
		defaults: defaultSecret,
		check:    checkSecret,
		checkUpdate: func(c *admission.Issues, old, updated *corev1.Secret) {
			if old.Type != updated.Type {
				c.Add("type", "cannot change from %s; delete the Secret first", old.Type)
			}
			c.Immutable(old.Immutable, updated.Immutable, admission.Equal(old.Data, updated.Data))
		},
		normalize: normalizeSecret,
		columns: []column[*corev1.Secret]{
			{"TYPE", secretType},
			{"DATA", func(o *corev1.Secret) string { return strconv.Itoa(secretKeys(o)) }},
		},
		summary:  func(o *corev1.Secret) string { return humanize.Count(secretKeys(o), "key") },
		describe: describeSecret,
	}.kind()
}

func secretType(o *corev1.Secret) string { return string(cmp.Or(o.Type, corev1.SecretTypeOpaque)) }

func secretKeys(o *corev1.Secret) int { return len(o.Data) + len(o.StringData) }

func defaultSecret(s *corev1.Secret) {
	admission.Set(&s.Type, corev1.SecretTypeOpaque)
	if len(s.StringData) > 0 {
		data := maps.Clone(s.Data)
		if data == nil {
			data = map[string][]byte{}
		}
		for k, v := range s.StringData {
			data[k] = []byte(v)
		}
		s.Data, s.StringData = data, nil
	}
}

// normalizeSecret folds stringData into data, so that a key that leaves stringData leaves the Secret (kubectl keeps it).
func normalizeSecret(tree map[string]any, s *corev1.Secret) {
	if len(s.StringData) == 0 {
		return
	}
	folded := s.DeepCopy()
	defaultSecret(folded)
	tree["data"] = folded.Data
	delete(tree, "stringData")
}

func checkSecret(c *admission.Issues, o *corev1.Secret) {
	size := 0
	for _, k := range slices.Sorted(maps.Keys(o.Data)) {
		c.Rule("data["+k+"]", k, validation.IsConfigMapKey(k))
		size += len(o.Data[k])
	}
	if size > maxData {
		c.Add("data", "%d bytes are too many; a Secret may have %d", size, maxData)
	}
	required := map[corev1.SecretType][]string{
		corev1.SecretTypeTLS:              {corev1.TLSCertKey, corev1.TLSPrivateKeyKey},
		corev1.SecretTypeDockerConfigJson: {corev1.DockerConfigJsonKey},
		corev1.SecretTypeSSHAuth:          {corev1.SSHAuthPrivateKey},
	}
	for _, k := range required[o.Type] {
		if _, ok := o.Data[k]; !ok {
			c.Add("data["+k+"]", "a Secret of type %s needs the key %s", o.Type, k)
		}
	}
}

func describeSecret(p Printer, o *corev1.Secret, _ *Live) {
	printField(p, "Type", secretType(o))
	fmt.Fprintln(p, "Data:")
	for _, key := range slices.Sorted(maps.Keys(o.Data)) {
		fmt.Fprintf(p, "  %s: %d bytes\n", key, len(o.Data[key]))
	}
}
