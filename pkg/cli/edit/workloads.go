package edit

import (
	"context"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

const deleted = "deleted"

// DeleteWorkloads deletes the Deployments, Services and service accounts with these names. Their claims stay, with what they keep.
func DeleteWorkloads(ctx context.Context, shop *control.Client, names []string) ([]*controlpb.AppliedObject, error) {
	var all []*controlpb.AppliedObject
	for _, kind := range []string{resource.KindDeployment, resource.KindService, resource.KindServiceAccount} {
		resp, err := shop.Delete(ctx, &controlpb.DeleteRequest{Kind: kind, Names: names})
		if err != nil {
			return nil, err
		}
		for _, object := range resp.GetObjects() {
			all = append(all, &controlpb.AppliedObject{Object: object, Action: deleted})
		}
	}
	return all, nil
}

// Deleted reports whether an object is gone by a change.
func Deleted(a *controlpb.AppliedObject) bool { return a.GetAction() == deleted }
