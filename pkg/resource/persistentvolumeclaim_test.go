package resource

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func claim(change func(*corev1.PersistentVolumeClaimSpec)) *corev1.PersistentVolumeClaim {
	o := &corev1.PersistentVolumeClaim{}
	o.Name, o.Namespace = "c", "production"
	o.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	o.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	change(&o.Spec)
	persistentVolumeClaimKind().Default(o)
	return o
}

func storage(size string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
}

func TestAClaimIsCheckedAsTheAPIServerDoes(t *testing.T) {
	modes := func(m ...corev1.PersistentVolumeAccessMode) func(*corev1.PersistentVolumeClaimSpec) {
		return func(s *corev1.PersistentVolumeClaimSpec) { s.AccessModes = m }
	}
	for name, tc := range map[string]struct {
		change func(*corev1.PersistentVolumeClaimSpec)
		want   []string
	}{
		"as it is":        {func(*corev1.PersistentVolumeClaimSpec) {}, nil},
		"shared":          {modes(corev1.ReadWriteMany, corev1.ReadOnlyMany), nil},
		"no mode":         {modes(), []string{"spec.accessModes"}},
		"an unknown mode": {modes("ReadWrite"), []string{"spec.accessModes[0]"}},
		"RWOP and RWO":    {modes(corev1.ReadWriteOncePod, corev1.ReadWriteOnce), []string{"spec.accessModes"}},
		"no size":         {func(s *corev1.PersistentVolumeClaimSpec) { s.Resources.Requests = nil }, []string{"spec.resources.requests[storage]"}},
		"size zero":       {func(s *corev1.PersistentVolumeClaimSpec) { s.Resources.Requests = storage("0") }, []string{"spec.resources.requests[storage]"}},
		"a class":         {func(s *corev1.PersistentVolumeClaimSpec) { s.StorageClassName = new("Fast SSD") }, []string{"spec.storageClassName"}},
		"a volume mode": {
			func(s *corev1.PersistentVolumeClaimSpec) { s.VolumeMode = new(corev1.PersistentVolumeMode("Tape")) },
			[]string{"spec.volumeMode"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, issue := range persistentVolumeClaimKind().Check(claim(tc.change)) {
				got = append(got, issue.Path)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAClaimCanOnlyGrow(t *testing.T) {
	old := claim(func(s *corev1.PersistentVolumeClaimSpec) { s.Resources.Requests = storage("2Gi") })
	for size, want := range map[string]int{"1Gi": 1, "2Gi": 0, "3Gi": 0} {
		updated := claim(func(s *corev1.PersistentVolumeClaimSpec) { s.Resources.Requests = storage(size) })
		if got := persistentVolumeClaimKind().CheckUpdate(old, updated); len(got) != want {
			t.Errorf("%s: %v", size, got)
		}
	}
	other := claim(func(s *corev1.PersistentVolumeClaimSpec) {
		s.Resources.Requests = storage("2Gi")
		s.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
	})
	if got := persistentVolumeClaimKind().CheckUpdate(old, other); len(got) != 1 || got[0].Path != "spec" {
		t.Errorf("another access mode: %v", got)
	}
}
