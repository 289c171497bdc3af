package resource

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource/admission"
)

func persistentVolumeClaimKind() Kind {
	return definition[*corev1.PersistentVolumeClaim]{
		Kind: Kind{
			Name: KindPersistentVolumeClaim, APIVersion: "v1", Plural: "persistentvolumeclaims", Short: []string{"pvc"},
			Namespaced: true, Restorable: true,
		},
		empty: func() *corev1.PersistentVolumeClaim { return &corev1.PersistentVolumeClaim{} },
		defaults: func(o *corev1.PersistentVolumeClaim) {
			admission.SetPointer(&o.Spec.VolumeMode, corev1.PersistentVolumeFilesystem)
			admission.Set(&o.Status.Phase, corev1.ClaimBound)
		},
		check:       checkClaim,
		checkUpdate: checkClaimUpdate,
		warn:        warnClaim,
		inert:       func() []admission.Inert { return admission.ClaimInert("spec") },
		spec:        func(o *corev1.PersistentVolumeClaim) any { return o.Spec },
		copyStatus:  func(o, from *corev1.PersistentVolumeClaim) { from.Status.DeepCopyInto(&o.Status) },
		columns: []column[*corev1.PersistentVolumeClaim]{
			{"STATUS", claimPhase},
			{"CAPACITY", claimCapacity},
			{"ACCESS MODES", func(o *corev1.PersistentVolumeClaim) string { return claimModes(o, shortMode) }},
		},
		summary: func(o *corev1.PersistentVolumeClaim) string { return strings.ToLower(claimPhase(o)) },
		describe: func(p Printer, o *corev1.PersistentVolumeClaim, _ *Live) {
			printField(p, "Status", claimPhase(o))
			printField(p, "Capacity", claimCapacity(o))
			printField(p, "Access modes", claimModes(o, func(m corev1.PersistentVolumeAccessMode) string { return string(m) }))
		},
	}.kind()
}

// claimPhase is always Bound: a directory of this machine is there as soon as an instance needs it.
func claimPhase(*corev1.PersistentVolumeClaim) string { return string(corev1.ClaimBound) }

func claimCapacity(o *corev1.PersistentVolumeClaim) string {
	q := o.Spec.Resources.Requests[corev1.ResourceStorage]
	return q.String()
}

func claimModes(o *corev1.PersistentVolumeClaim, name func(corev1.PersistentVolumeAccessMode) string) string {
	var names []string
	for _, m := range o.Spec.AccessModes {
		names = append(names, name(m))
	}
	return strings.Join(names, ",")
}

// shortMode is an access mode as kubectl's tables have it.
func shortMode(m corev1.PersistentVolumeAccessMode) string {
	switch m {
	case corev1.ReadWriteOnce:
		return "RWO"
	case corev1.ReadOnlyMany:
		return "ROX"
	case corev1.ReadWriteMany:
		return "RWX"
	case corev1.ReadWriteOncePod:
		return "RWOP"
	}
	return string(m)
}

func checkClaim(c *admission.Issues, o *corev1.PersistentVolumeClaim) { c.Claim("spec", &o.Spec) }

// checkClaimUpdate refuses what the API server refuses to change in a claim: everything but a larger size.
func checkClaimUpdate(c *admission.Issues, old, updated *corev1.PersistentVolumeClaim) {
	was, is := old.Spec.Resources.Requests[corev1.ResourceStorage], updated.Spec.Resources.Requests[corev1.ResourceStorage]
	if is.Cmp(was) < 0 {
		c.Add("spec.resources.requests[storage]", "cannot be less than before (%s)", was.String())
	}
	same := updated.Spec.DeepCopy()
	same.Resources = old.Spec.Resources
	if !admission.Equal(&old.Spec, same) {
		c.Add("spec", "cannot change once the PersistentVolumeClaim exists, except for resources.requests; delete it first")
	}
}

func warnClaim(c *admission.Issues, o *corev1.PersistentVolumeClaim, _ Objects) {
	c.WholeBytes("spec.resources.requests", o.Spec.Resources.Requests)
	if *o.Spec.VolumeMode == corev1.PersistentVolumeBlock {
		c.Add("spec.volumeMode", "there are no block devices here; the claim is a directory")
	}
}
