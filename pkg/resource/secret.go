package resource

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
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
		warn: warnSecret,
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

func checkSecret(c *admission.Issues, o *corev1.Secret) {
	size := 0
	for _, k := range slices.Sorted(maps.Keys(o.Data)) {
		c.Rule(admission.Entry("data", k), k, validation.IsConfigMapKey(k))
		size += len(o.Data[k])
	}
	if size > maxData {
		c.Add("data", "%d bytes are too many; a Secret may have %d", size, maxData)
	}
	checkSecretKeys(c, o)
	checkDockerConfig(c, o)
	if o.Type == corev1.SecretTypeServiceAccountToken && o.Annotations[corev1.ServiceAccountNameKey] == "" {
		c.Add(admission.Entry("metadata.annotations", corev1.ServiceAccountNameKey), "is missing; a Secret of type %s needs it", o.Type)
	}
}

// checkSecretKeys checks that a Secret has what its type promises.
func checkSecretKeys(c *admission.Issues, o *corev1.Secret) {
	required := map[corev1.SecretType][]string{
		corev1.SecretTypeTLS:              {corev1.TLSCertKey, corev1.TLSPrivateKeyKey},
		corev1.SecretTypeDockercfg:        {corev1.DockerConfigKey},
		corev1.SecretTypeDockerConfigJson: {corev1.DockerConfigJsonKey},
		corev1.SecretTypeSSHAuth:          {corev1.SSHAuthPrivateKey},
	}
	for _, k := range required[o.Type] {
		v, ok := o.Data[k]
		if !ok || len(v) == 0 && o.Type == corev1.SecretTypeSSHAuth {
			c.Add(admission.Entry("data", k), "a Secret of type %s needs the key %s", o.Type, k)
		}
	}
	if o.Type != corev1.SecretTypeBasicAuth {
		return
	}
	_, user := o.Data[corev1.BasicAuthUsernameKey]
	_, password := o.Data[corev1.BasicAuthPasswordKey]
	if !user && !password {
		for _, k := range []string{corev1.BasicAuthUsernameKey, corev1.BasicAuthPasswordKey} {
			c.Add(admission.Entry("data", k), "a Secret of type %s needs username, password or both", o.Type)
		}
	}
}

// checkDockerConfig checks that the credentials of registries are in JSON.
func checkDockerConfig(c *admission.Issues, o *corev1.Secret) {
	for t, k := range map[corev1.SecretType]string{
		corev1.SecretTypeDockercfg: corev1.DockerConfigKey, corev1.SecretTypeDockerConfigJson: corev1.DockerConfigJsonKey,
	} {
		v, ok := o.Data[k]
		if o.Type == t && ok && json.Unmarshal(v, &map[string]any{}) != nil {
			c.Add(admission.Entry("data", k), "is not a JSON object")
		}
	}
}

// warnSecret warns of what is not what the type promises.
func warnSecret(c *admission.Issues, o *corev1.Secret, _ Objects) {
	if o.Type != corev1.SecretTypeTLS {
		return
	}
	if _, err := tls.X509KeyPair(o.Data[corev1.TLSCertKey], o.Data[corev1.TLSPrivateKeyKey]); err != nil {
		c.Add("data", "%s and %s are not a certificate and its key in PEM", corev1.TLSCertKey, corev1.TLSPrivateKeyKey)
	}
}

func describeSecret(p Printer, o *corev1.Secret, _ *Live) {
	printField(p, "Type", secretType(o))
	fmt.Fprintln(p, "Data:")
	for _, key := range slices.Sorted(maps.Keys(o.Data)) {
		fmt.Fprintf(p, "  %s: %d bytes\n", key, len(o.Data[key]))
	}
}
