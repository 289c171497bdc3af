package cart

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const (
	// maxQuantity is the maximum quantity of one product in a cart.
	maxQuantity = 1000
	// maxUserID and maxProductID bound the keys that a client can create, in bytes.
	maxUserID    = 256
	maxProductID = 64
)

// catalog is the list of what can be bought.
type catalog interface {
	// check returns a status error for a product that does not exist, and nil for one that does, or while the catalog
	// is unavailable.
	check(ctx context.Context, productID string) error
}

// server implements hipstershop.CartService.
type server struct {
	hipstershop.UnimplementedCartServiceServer
	store     *store
	catalog   catalog // nil: every product is accepted
	hit, miss prometheus.Counter
}

func newServer(st *store, c catalog, metrics prometheus.Registerer) (*server, error) {
	reads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "shop_cart_reads_total",
		Help: "Carts read: hit if there was anything in them, else miss.",
	}, []string{"result"})
	if err := metrics.Register(reads); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return &server{store: st, catalog: c, hit: reads.WithLabelValues("hit"), miss: reads.WithLabelValues("miss")}, nil
}

// AddItem adds a quantity of a product to a user's cart.
func (s *server) AddItem(ctx context.Context, req *hipstershop.AddItemRequest) (*hipstershop.Empty, error) {
	user, item := req.GetUserId(), req.GetItem()
	if err := validUser(user); err != nil {
		return nil, err
	}
	if item == nil {
		return nil, status.Error(codes.InvalidArgument, "item is missing")
	}
	if err := validItem("item.", item.GetProductId(), item.GetQuantity(), 1); err != nil {
		return nil, err
	}
	if s.catalog != nil {
		if err := s.catalog.check(ctx, item.GetProductId()); err != nil {
			return nil, err
		}
	}
	err := s.store.add(ctx, user, item.GetProductId(), int64(item.GetQuantity()))
	var full *fullError
	if errors.As(err, &full) {
		return nil, status.Errorf(codes.InvalidArgument, "quantity %d of %s is too much: the cart already contains %d, the maximum is %d",
			item.GetQuantity(), item.GetProductId(), full.held, maxQuantity)
	}
	if err != nil {
		return nil, storeError(ctx, err)
	}
	return &hipstershop.Empty{}, nil
}

// GetCart returns a user's cart, with products in the order in which they were first added. A user without a cart has an
// empty one.
func (s *server) GetCart(ctx context.Context, req *hipstershop.GetCartRequest) (*hipstershop.Cart, error) {
	user := req.GetUserId()
	if err := validUser(user); err != nil {
		return nil, err
	}
	items, err := s.store.items(ctx, user)
	if err != nil {
		return nil, storeError(ctx, err)
	}
	if len(items) > 0 {
		s.hit.Inc()
	} else {
		s.miss.Inc()
	}
	return &hipstershop.Cart{UserId: user, Items: items}, nil
}

// EmptyCart removes everything from a user's cart.
func (s *server) EmptyCart(ctx context.Context, req *hipstershop.EmptyCartRequest) (*hipstershop.Empty, error) {
	if err := validUser(req.GetUserId()); err != nil {
		return nil, err
	}
	if err := s.store.empty(ctx, req.GetUserId()); err != nil {
		return nil, storeError(ctx, err)
	}
	return &hipstershop.Empty{}, nil
}

func validUser(id string) error {
	switch {
	case id == "":
		return status.Error(codes.InvalidArgument, "user_id is empty")
	case len(id) > maxUserID:
		return status.Errorf(codes.InvalidArgument, "user_id has %d bytes, the maximum is %d", len(id), maxUserID)
	}
	return nil
}

// validItem checks a product and its quantity, at least least; in names the message that holds them, such as "item.".
func validItem(in, id string, quantity, least int32) error {
	switch {
	case id == "":
		return status.Errorf(codes.InvalidArgument, "%sproduct_id is empty", in)
	case len(id) > maxProductID || !isProductID(id):
		return status.Errorf(codes.InvalidArgument,
			"%sproduct_id %.64q is not valid: want at most %d letters, digits, dots, dashes and underscores", in, id, maxProductID)
	case quantity < least || quantity > maxQuantity:
		return status.Errorf(codes.InvalidArgument, "%squantity is %d, want %d to %d", in, quantity, least, maxQuantity)
	}
	return nil
}

// isProductID reports whether an id has only characters that cannot clash with the cart's own fields.
func isProductID(id string) bool {
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// storeError is the error of a failure of the store for the client: its own deadline, a corrupt cart, or a store that
// is unavailable.
func storeError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	case isCorrupt(err):
		return status.Errorf(codes.Internal, "read cart: %v", err)
	}
	return status.Errorf(codes.Unavailable, "cart store unavailable: %v", err)
}
