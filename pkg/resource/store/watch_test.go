package store_test

import (
	"context"
	"strconv"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

func TestAWatchBeginsWithWhatIsThere(t *testing.T) {
	s := open(t, config(t, "", catalog))
	watch := s.Watch(t.Context(), resource.KindDeployment)
	if got := store.All[*appsv1.Deployment](<-watch, ""); len(got) != 1 || got[0].Name != "productcatalogservice" {
		t.Errorf("%v", got)
	}
}

func TestASlowReaderGetsTheNewestAndNeverHoldsUpTheWriter(t *testing.T) {
	s := open(t, config(t, "", configMap))
	watch := s.Watch(t.Context(), resource.KindConfigMap)
	for i := range 100 {
		if _, err := s.Update(configKey, func(o resource.Object) error {
			o.(*corev1.ConfigMap).Data["LOG_LEVEL"] = strconv.Itoa(i)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	snapshot := <-watch
	if got := store.All[*corev1.ConfigMap](snapshot, "")[0].Data["LOG_LEVEL"]; got != "99" {
		t.Error(got)
	}
	select {
	case s := <-watch:
		t.Errorf("an older snapshot came after: %d", s.Revision())
	default:
	}
}

func TestAWatchReceivesOnlyItsKinds(t *testing.T) {
	s := open(t, config(t, "", catalog))
	deployments, all := s.Watch(t.Context(), resource.KindDeployment, resource.KindService), s.Watch(t.Context())
	<-deployments
	<-all
	apply(t, s, configMap)
	<-all
	select {
	case <-deployments:
		t.Error("a ConfigMap woke a watch of Deployments and Services")
	default:
	}
	if _, err := s.Delete(t.Context(), []resource.Key{serviceKey}, false); err != nil {
		t.Fatal(err)
	}
	if got := (<-deployments).List(resource.KindService, ""); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestASnapshotNeverChanges(t *testing.T) {
	s := open(t, config(t, "", catalog))
	before := s.Snapshot()
	if _, err := s.Delete(t.Context(), []resource.Key{deploymentKey}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := before.Get(deploymentKey); err != nil {
		t.Error(err)
	}
	if s.Snapshot().Revision() != before.Revision()+1 {
		t.Error("the revision did not grow by one")
	}
}

func TestAWatchEndsWithItsContext(t *testing.T) {
	s := open(t, config(t, "", catalog))
	ctx, cancel := context.WithCancel(t.Context())
	watch := s.Watch(ctx)
	<-watch
	cancel()
	if _, open := <-watch; open {
		t.Error("the channel is still open")
	}
	apply(t, s, configMap) // must not send on the closed channel
}
