package workload

import (
	"cmp"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// member is a rollout's view of one instance that is not stopping.
type member struct {
	// current: of the desired revision.
	current   bool
	ready     bool
	available bool // ready for minReadySeconds
	created   time.Time
}

// strategy is how a Deployment replaces its instances, in numbers.
type strategy struct {
	recreate              bool
	surge, maxUnavailable int
}

// step is the next step of a rollout: how many instances of the current revision to create, and
// which members (by index) to remove.
type step struct {
	create int
	remove []int
}

func newStrategy(d *appsv1.Deployment, replicas int) strategy {
	if d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return strategy{recreate: true}
	}
	s := strategy{surge: scaled(nil, replicas, true), maxUnavailable: scaled(nil, replicas, false)}
	if u := d.Spec.Strategy.RollingUpdate; u != nil {
		s.surge, s.maxUnavailable = scaled(u.MaxSurge, replicas, true), scaled(u.MaxUnavailable, replicas, false)
	}
	if s.surge == 0 && s.maxUnavailable == 0 {
		s.maxUnavailable = 1 // otherwise the rollout could never proceed
	}
	return s
}

// scaled resolves a number or a percentage of replicas, which defaults to 25 %.
func scaled(v *intstr.IntOrString, replicas int, up bool) int {
	if v == nil {
		p := intstr.FromString("25%")
		v = &p
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(v, replicas, up)
	if err != nil {
		return 0
	}
	return n
}

// next decides the next step towards replicas available instances of the current revision. blocked
// means that none of it can be created: then what is there stays. leaving counts instances that are
// stopping.
//
// With rolling updates it never lets the number of available instances fall below replicas minus
// maxUnavailable, nor that of all instances exceed replicas plus surge, as the Deployment controller
// of Kubernetes does.
func (s strategy) next(replicas, leaving int, members []member, blocked bool) step {
	if blocked {
		return step{remove: surplus(members, all(members), len(members)-replicas)}
	}
	current, old := split(members)
	st := step{remove: surplus(members, current, len(current)-replicas)}
	if s.recreate {
		st.remove = append(st.remove, old...)
		if len(old) == 0 && (leaving == 0 || len(current) > 0) {
			st.create = max(0, replicas-len(current))
		}
		return st
	}
	missing := replicas - len(current)
	st.create = max(0, min(missing, replicas+s.surge-len(members)))
	st.remove = append(st.remove, s.scaleDownOld(replicas, members, current, old)...)
	return st
}

// scaleDownOld chooses old members that can go: first those that are not ready, then those that new ones
// have replaced.
func (s strategy) scaleDownOld(replicas int, members []member, current, old []int) []int {
	floor := replicas - s.maxUnavailable
	available, waiting := 0, 0
	for i, m := range members {
		if m.available {
			available++
		}
		if !m.available && slices.Contains(current, i) {
			waiting++
		}
	}
	room := len(members) - floor - waiting
	var remove []int
	for _, i := range old {
		if !members[i].ready && room > 0 {
			remove = append(remove, i)
			room--
		}
	}
	spare := available - floor
	for _, i := range old {
		if members[i].ready && spare > 0 && room > 0 {
			remove = append(remove, i)
			spare--
			room--
		}
	}
	return remove
}

// surplus chooses n of the candidates, the most expendable first: not ready, then young.
func surplus(members []member, candidates []int, n int) []int {
	if n <= 0 {
		return nil
	}
	sorted := slices.Clone(candidates)
	slices.SortStableFunc(sorted, func(a, b int) int {
		return cmp.Or(
			cmpBool(members[a].ready, members[b].ready),
			cmpBool(members[a].current, members[b].current),
			members[b].created.Compare(members[a].created),
		)
	})
	return sorted[:min(n, len(sorted))]
}

func split(members []member) (current, old []int) {
	for i, m := range members {
		if m.current {
			current = append(current, i)
		} else {
			old = append(old, i)
		}
	}
	return current, old
}

func all(members []member) []int {
	indexes := make([]int, len(members))
	for i := range members {
		indexes[i] = i
	}
	return indexes
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
