package store_test

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource/store"
)

func TestAReplacementIsRefusedUnlessObjectsAreAsExpected(t *testing.T) {
	s := open(t, config(t, "", catalog))
	replace := func(content string, expect store.Expect) error {
		_, err := s.Replace(t.Context(), manifests(t, content), "", expect, false)
		return err
	}
	var missing *store.NotFoundError
	if err := replace(configMap, store.Expect{Present: true}); !errors.As(err, &missing) {
		t.Errorf("replaced what does not exist: %v", err)
	}
	var exists *store.ExistsError
	if err := replace(configMap+"---\n"+configMap, store.Expect{Absent: true}); !errors.As(err, &exists) {
		t.Errorf("created one object twice: %v", err)
	}
	if _, err := s.Get(configKey); !errors.As(err, &missing) {
		t.Errorf("what was refused is there: %v", err)
	}
	if err := replace(configMap, store.Expect{Absent: true}); err != nil {
		t.Fatal(err)
	}
	if err := replace(configMap, store.Expect{Absent: true}); !errors.As(err, &exists) || err.Error() != "configmap/app-config already exists" {
		t.Errorf("created what exists: %v", err)
	}
	if err := replace(strings.ReplaceAll(configMap, "LOG_LEVEL: info", "OTHER: x"), store.Expect{Present: true}); err != nil {
		t.Fatal(err)
	}
	if got := get[*corev1.ConfigMap](t, s, configKey).Data; len(got) != 1 || got["OTHER"] != "x" {
		t.Errorf("replaced data are %v", got)
	}
	var conflict *store.ConflictError
	old := strings.ReplaceAll(configMap, "{name: app-config}", "{name: app-config, resourceVersion: '1'}")
	if err := replace(old, store.Expect{Present: true, Unchanged: true}); !errors.As(err, &conflict) {
		t.Errorf("replaced a later version: %v", err)
	}
}
