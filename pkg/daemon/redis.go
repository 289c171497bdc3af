package daemon

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

const (
	// redisCart is the store of carts that a shop has itself, and redisVariable where the cart service finds its store.
	redisCart     = "redis-cart"
	redisVariable = "REDIS_ADDR"
	// redisTimeout bounds the question whether a Redis is there.
	redisTimeout = 3 * time.Second
)

// withRedis makes the objects of a shop whose carts are in another Redis: it has no store of its own, and what uses one is given
// the address.
func withRedis(manifests []resource.Manifest, addr string) ([]resource.Manifest, error) {
	var all []resource.Manifest
	for _, m := range manifests {
		if m.Object.GetName() == redisCart {
			continue
		}
		d, ok := m.Object.(*appsv1.Deployment)
		if !ok || len(storeAddresses(d)) == 0 {
			all = append(all, m)
			continue
		}
		d = d.DeepCopy()
		for _, e := range storeAddresses(d) {
			*e = corev1.EnvVar{Name: redisVariable, Value: addr}
		}
		changed, err := resource.NewManifest(d)
		if err != nil {
			return nil, err
		}
		changed.File = m.File
		all = append(all, changed)
	}
	return all, nil
}

// storeAddresses are the variables of a Deployment that say where the store of carts is.
func storeAddresses(d *appsv1.Deployment) []*corev1.EnvVar {
	var found []*corev1.EnvVar
	for i := range d.Spec.Template.Spec.Containers {
		env := d.Spec.Template.Spec.Containers[i].Env
		for j := range env {
			if env[j].Name == redisVariable {
				found = append(found, &env[j])
			}
		}
	}
	return found
}

// useRedis holds the objects against the Redis that the shop was given, and tries it: a shop without its carts does not start.
func (s *shop) useRedis(objects *store.Store) error {
	if s.cfg.Redis == "" {
		return nil
	}
	for _, d := range store.All[*appsv1.Deployment](objects.Snapshot(), objects.Namespace()) {
		for _, e := range storeAddresses(d) {
			if e.Value != s.cfg.Redis {
				return control.WithHint(fmt.Errorf("use the Redis at %s: deployment/%s was changed, and its %s is %q", s.cfg.Redis, d.Name, redisVariable, e.Value),
					"start without --redis, and then: shopctl set env "+d.Name+" "+redisVariable+"="+s.cfg.Redis, 5)
			}
		}
	}
	if s.cfg.Check == nil {
		return nil
	}
	check := s.cfg.Check(redisCart)
	if check == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), redisTimeout)
	defer cancel()
	if err := check(ctx, s.cfg.Redis, nil, true); err != nil {
		return control.WithHint(fmt.Errorf("use the Redis at %s: %w", s.cfg.Redis, err), "redis-cli -u redis://"+s.cfg.Redis+" ping", 5)
	}
	return nil
}
