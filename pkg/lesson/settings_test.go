package lesson_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// orderedShop tells in which order a rollback deletes and applies.
type orderedShop struct {
	*lessontest.Shop
	did []string
}

func (s *orderedShop) Apply(ctx context.Context, r *controlpb.ApplyRequest, opts ...grpc.CallOption) (*controlpb.ApplyResponse, error) {
	s.did = append(s.did, "apply")
	return s.Shop.Apply(ctx, r, opts...)
}

func (s *orderedShop) Delete(ctx context.Context, r *controlpb.DeleteRequest, opts ...grpc.CallOption) (*controlpb.DeleteResponse, error) {
	s.did = append(s.did, "delete "+r.GetKind())
	return s.Shop.Delete(ctx, r, opts...)
}

const reads = `{"kind":"Deployment","metadata":{"name":"shipping"},"spec":{"template":{"spec":{"containers":[{"envFrom":[{"configMapRef":{"name":"settings"}}]}]}}}}`

func TestWhoMayHaveReadSettingsThatAreUndoneStartsAnew(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		shop := &orderedShop{Shop: w.shop}
		w.deps.Shop = shop
		w.shop.Put("Deployment", "shipping", reads)
		other := w.shop.Object("Deployment", "productcatalogservice")
		s := w.open()
		w.shop.Put("ConfigMap", "settings", `{"kind":"ConfigMap","metadata":{"name":"settings"},"data":{"FREE":"true"}}`)
		w.shop.Put("Service", "new", `{"kind":"Service","metadata":{"name":"new"}}`)
		w.close(s)
		if !strings.Contains(w.shop.Object("Deployment", "shipping"), "kubectl.kubernetes.io/restartedAt") {
			t.Error("an instance that read the settings may still run")
		}
		if w.shop.Object("Deployment", "productcatalogservice") != other || w.shop.Object("ConfigMap", "settings") != "" {
			t.Error("the rest is not as it was")
		}
		if want := []string{"delete ConfigMap", "apply", "delete Service"}; !slices.Equal(shop.did, want) {
			t.Errorf("did %v, want %v: what starts must not read what is undone", shop.did, want)
		}
	})
}

func TestWhoReadsWhatNobodyChangedIsLeftAlone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.shop.Put("Deployment", "shipping", reads)
		w.shop.Put("ConfigMap", "settings", `{"kind":"ConfigMap","metadata":{"name":"settings"},"data":{"FREE":"true"}}`)
		s := w.open()
		w.shop.Put("Secret", "password", `{"kind":"Secret","metadata":{"name":"password"},"data":{}}`)
		w.close(s)
		if got := w.shop.Object("Deployment", "shipping"); got != reads {
			t.Errorf("the deployment is %s", got)
		}
	})
}
