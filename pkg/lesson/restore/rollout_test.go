package restore_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// rollingShop rolls a Deployment out while it is read by name: says are its statuses, one for each read.
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

func TestARollbackWaitsUntilWhatItRestoredHasRolledOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop := &rollingShop{Shop: lessontest.New(time.Now)}
		j := record(t, shop, everything())
		before := shop.Object("Deployment", "productcatalogservice")
		shop.Put("Deployment", "productcatalogservice", strings.Replace(before, `"replicas":1`, `"replicas":3`, 1))
		shop.says = []string{
			`{"observedGeneration":1,"replicas":1,"updatedReplicas":1}`,
			`{"observedGeneration":2,"replicas":2,"updatedReplicas":1}`,
			`{"observedGeneration":2,"replicas":1,"updatedReplicas":1}`,
		}
		rollback(t, j)
		if len(shop.says) != 0 {
			t.Errorf("returned before %v", shop.says)
		}
	})
}
