package restore_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// orderedShop records in which order a rollback deletes and applies.
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

const reads = `{"kind":"Deployment","metadata":{"name":"shipping"},"spec":{"replicas":1,"template":{"spec":{"containers":[{"envFrom":[{"configMapRef":{"name":"settings"}}]}]}}}}`

func TestInstancesThatMayHaveReadRestoredConfigurationAreReplaced(t *testing.T) {
	shop := &orderedShop{Shop: lessontest.New(time.Now)}
	shop.Put("Deployment", "shipping", reads)
	other := shop.Object("Deployment", "productcatalogservice")
	j := record(t, shop, everything())
	shop.Put("ConfigMap", "settings", `{"kind":"ConfigMap","metadata":{"name":"settings"},"data":{"FREE":"true"}}`)
	shop.Put("Service", "new", `{"kind":"Service","metadata":{"name":"new"}}`)
	rollback(t, j)
	if !strings.Contains(shop.Object("Deployment", "shipping"), resource.RestartedAtAnnotation) {
		t.Error("an instance that read the settings may still run")
	}
	if shop.Object("Deployment", "productcatalogservice") != other || shop.Object("ConfigMap", "settings") != "" {
		t.Error("the rest is not as it was")
	}
	if want := []string{"delete ConfigMap", "apply", "delete Service"}; !slices.Equal(shop.did, want) {
		t.Errorf("did %v, want %v: what starts must not read what is undone", shop.did, want)
	}
	shop.did = nil
	rollback(t, j)
	if len(shop.did) != 0 {
		t.Errorf("a second rollback did %v", shop.did)
	}
}

func TestReadersOfUnchangedConfigurationAreLeftAlone(t *testing.T) {
	shop := lessontest.New(time.Now)
	shop.Put("Deployment", "shipping", reads)
	shop.Put("ConfigMap", "settings", `{"kind":"ConfigMap","metadata":{"name":"settings"},"data":{"FREE":"true"}}`)
	j := record(t, shop, everything())
	shop.Put("Secret", "password", `{"kind":"Secret","metadata":{"name":"password"},"data":{}}`)
	rollback(t, j)
	if got := shop.Object("Deployment", "shipping"); got != reads {
		t.Errorf("the deployment is %s", got)
	}
}
