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

// drainingShop lists a service for some reads of its status.
type drainingShop struct {
	*lessontest.Shop
	service *controlpb.Service
	reads   int
}

func (s *drainingShop) Status(ctx context.Context, r *controlpb.StatusRequest, opts ...grpc.CallOption) (*controlpb.StatusResponse, error) {
	st, err := s.Shop.Status(ctx, r, opts...)
	if s.reads > 0 {
		s.reads--
		st.Services = append(st.Services, s.service)
	}
	return st, err
}

func TestARollbackWaitsUntilWhatItDeletedIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop := &drainingShop{Shop: lessontest.New(time.Now), service: &controlpb.Service{Name: "extra", Workload: "extra", Namespace: "production", State: "stopped"}}
		j := record(t, shop, everything())
		shop.Put("Deployment", "extra", `{"kind":"Deployment","metadata":{"name":"extra","namespace":"production"}}`)
		shop.reads = 3
		rollback(t, j)
		if shop.reads != 0 || shop.Object("Deployment", "extra") != "" {
			t.Errorf("%d reads are left, the object is %q", shop.reads, shop.Object("Deployment", "extra"))
		}
		shop.Put("Deployment", "extra", `{"kind":"Deployment","metadata":{"name":"extra","namespace":"production"}}`)
		shop.reads = 1 << 30
		begin := time.Now()
		rollback(t, j)
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("one that does not end held the rollback up for %s", took)
		}
	})
}

func TestARollbackWaitsUntilTheInstancesOfTheLessonHaveDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := &controlpb.Instance{Name: "old", State: "stopping"}
		shop := &drainingShop{
			Shop:    lessontest.New(time.Now),
			service: &controlpb.Service{Name: "catalog", Workload: "productcatalogservice", Namespace: "production", Instances: []*controlpb.Instance{{State: "ready"}, old}},
		}
		j := record(t, shop, everything())
		before := shop.Object("Deployment", "productcatalogservice")
		shop.Put("Deployment", "productcatalogservice", strings.Replace(before, `"replicas":1`, `"replicas":3`, 1))
		shop.reads = 3
		rollback(t, j)
		if shop.reads != 0 {
			t.Errorf("returned %d reads too early", shop.reads)
		}
		shop.reads = 3
		rollback(t, j)
		if shop.reads != 3 {
			t.Error("waited though nothing had changed")
		}
	})
}
