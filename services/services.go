// Package services lists the workloads in this binary. It is the only place that knows all of them; services do not
// import each other.
package services

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/services/ad"
	"github.com/shopctl/shopctl/services/cart"
	"github.com/shopctl/shopctl/services/cart/rediscart"
	"github.com/shopctl/shopctl/services/catalog"
	"github.com/shopctl/shopctl/services/checkout"
	"github.com/shopctl/shopctl/services/currency"
	"github.com/shopctl/shopctl/services/email"
	"github.com/shopctl/shopctl/services/frontend"
	"github.com/shopctl/shopctl/services/loadgenerator"
	"github.com/shopctl/shopctl/services/payment"
	"github.com/shopctl/shopctl/services/recommendation"
	"github.com/shopctl/shopctl/services/shipping"
)

// Role is the role of a workload in the shop.
type Role string

// The eleven services, and the store of the carts.
const (
	RoleService Role = "service"
	RoleStore   Role = "store"
)

// Builtin is one workload of the binary.
type Builtin struct {
	// Name is the short name: "catalog".
	Name string
	// Workload is the name of its Deployment, Service, app label and service account: "productcatalogservice".
	Workload string
	Role     Role
	// GRPC are the full names of the gRPC services it serves; none for HTTP and TCP.
	GRPC []string
	// Setup is nil for the monolith, which is set up by its Modules.
	Setup chassis.Setup
	// Manifest holds its Kubernetes objects as YAML; nil where another's manifest holds them.
	Manifest []byte
}

// Module reports whether it is a module of the monolith. The load generator plays the customers, who are not part of the
// shop, and the store of the carts is a separate program.
func (b Builtin) Module() bool {
	return b.Role == RoleService && b.Name != "loadgenerator" && b.Name != MonolithName
}

// All returns the workloads in alphabetical order of their names.
func All() []Builtin {
	return []Builtin{
		{"ad", "adservice", RoleService, []string{"hipstershop.AdService"}, ad.Setup, ad.Manifest},
		{"cart", "cartservice", RoleService, []string{"hipstershop.CartService"}, cart.Setup, cart.Manifest},
		{"catalog", "productcatalogservice", RoleService, []string{"hipstershop.ProductCatalogService"}, catalog.Setup, catalog.Manifest},
		{"checkout", "checkoutservice", RoleService, []string{"hipstershop.CheckoutService"}, checkout.Setup, checkout.Manifest},
		{"currency", "currencyservice", RoleService, []string{"hipstershop.CurrencyService"}, currency.Setup, currency.Manifest},
		{"email", "emailservice", RoleService, []string{"hipstershop.EmailService", "shopctl.shop.v1.Outbox"}, email.Setup, email.Manifest},
		{"frontend", "frontend", RoleService, nil, frontend.Setup, frontend.Manifest},
		{"loadgenerator", "loadgenerator", RoleService, nil, loadgenerator.Setup, loadgenerator.Manifest},
		{"payment", "paymentservice", RoleService, []string{"hipstershop.PaymentService", "shopctl.shop.v1.Refunds"}, payment.Setup, payment.Manifest},
		{"recommendation", "recommendationservice", RoleService, []string{"hipstershop.RecommendationService"}, recommendation.Setup, recommendation.Manifest},
		{"redis-cart", "redis-cart", RoleStore, nil, rediscart.Setup, nil},
		{"shipping", "shippingservice", RoleService, []string{"hipstershop.ShippingService", "shopctl.shop.v1.Tracking"}, shipping.Setup, shipping.Manifest},
	}
}

// Lookup finds a workload, or the monolith, by either of its names, ignoring case.
func Lookup(name string) (Builtin, bool) {
	if strings.EqualFold(name, MonolithName) {
		return Monolith(), true
	}
	for _, b := range All() {
		if strings.EqualFold(name, b.Name) || strings.EqualFold(name, b.Workload) {
			return b, true
		}
	}
	return Builtin{}, false
}

// ByImage finds the workload of a container image, by the last element of its path:
// "gcr.io/google-samples/microservices-demo/productcatalogservice:v0.3.0" and "shopctl/catalog:v2" are
// the catalog. It also returns the image's tag, "latest" if it has none.
func ByImage(image string) (b Builtin, tag string, ok bool) {
	name, _, _ := strings.Cut(image, "@")
	name = name[strings.LastIndex(name, "/")+1:]
	name, tag, tagged := strings.Cut(name, ":")
	if !tagged {
		tag = "latest"
	}
	if name == "redis" {
		name = "redis-cart"
	}
	b, ok = Lookup(name)
	return b, tag, ok
}
