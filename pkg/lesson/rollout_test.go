package lesson_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// rollingShop rolls a Deployment out while it is looked at by name: what it says are its statuses, one a look.
type rollingShop struct {
	*lessontest.Shop
	says []string
}

func (s *rollingShop) Get(ctx context.Context, r *controlpb.GetRequest, opts ...grpc.CallOption) (*controlpb.GetResponse, error) {
	if len(r.GetNames()) == 0 || len(s.says) == 0 {
		return s.Shop.Get(ctx, r, opts...)
	}
	status := s.says[0]
	s.says = s.says[1:]
	return &controlpb.GetResponse{Objects: []*controlpb.Object{{Json: []byte(`{"metadata":{"generation":2},"status":` + status + `}`)}}}, nil
}

func TestLeavingWaitsUntilWhatItRestoredHasRolledOut(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		shop := &rollingShop{Shop: w.shop}
		w.deps.Shop = shop
		s := w.open()
		before := w.shop.Object("Deployment", "productcatalogservice")
		w.shop.Put("Deployment", "productcatalogservice", strings.Replace(before, `"replicas":1`, `"replicas":3`, 1))
		shop.says = []string{
			`{"observedGeneration":1,"replicas":1,"updatedReplicas":1}`,
			`{"observedGeneration":2,"replicas":2,"updatedReplicas":1}`,
			`{"observedGeneration":2,"replicas":1,"updatedReplicas":1}`,
		}
		w.close(s)
		if len(shop.says) != 0 {
			t.Errorf("left before %v", shop.says)
		}
	})
}
