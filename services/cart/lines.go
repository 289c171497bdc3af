package cart

import (
	"context"

	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// lines implements shopctl.shop.v1.Carts: changes of one line of a cart, which the demo's contract does not have.
type lines struct {
	shopv1.UnimplementedCartsServer
	*server
}

// SetItem sets the quantity of one line of a cart; 0 removes it.
func (l lines) SetItem(ctx context.Context, req *shopv1.SetItemRequest) (*shopv1.SetItemResponse, error) {
	user, product, quantity := req.GetUserId(), req.GetProductId(), req.GetQuantity()
	if err := validUser(user); err != nil {
		return nil, err
	}
	if err := validItem("", product, quantity, 0); err != nil {
		return nil, err
	}
	// A product that the catalog has no more can still be removed.
	if quantity > 0 && l.catalog != nil {
		if err := l.catalog.check(ctx, product); err != nil {
			return nil, err
		}
	}
	if err := l.store.set(ctx, user, product, int64(quantity)); err != nil {
		return nil, storeError(ctx, err)
	}
	return &shopv1.SetItemResponse{}, nil
}
