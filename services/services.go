// Package services is the catalog of the workloads in this binary: their names, and the manifests that describe them. It
// knows nothing of their code, which package setup lists: commands and the daemon depend on names.
package services

import (
	"embed"
	"strings"
)

// manifests hold the Kubernetes objects of the services, each in its own directory.
//
//go:embed */manifest.yaml
var manifests embed.FS

// Role is the role of a workload in the shop.
type Role string

// The services, and the stores of carts, events and keys.
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
}

// Manifest returns its Kubernetes objects as YAML; nil where another's manifest holds them.
func (b Builtin) Manifest() []byte {
	if b.Name == MonolithName {
		return MonolithManifest
	}
	content, err := manifests.ReadFile(b.Name + "/manifest.yaml")
	if err != nil {
		return nil // it has none: the files are part of the binary
	}
	return content
}

// Module reports whether it is a module of the monolith. The load generator plays the customers, who are not part of the
// shop, and the stores are separate programs.
func (b Builtin) Module() bool {
	return b.Role == RoleService && b.Name != "loadgenerator" && b.Name != "warehouse" && b.Name != MonolithName
}

// Records reports whether it records in DATA_DIR what it must not do or tell twice. The stores keep their data in volumes of their own.
func (b Builtin) Records() bool {
	switch b.Name {
	case "checkout", "email", "payment", "shipping", "warehouse", MonolithName:
		return true
	}
	return false
}

// All returns the workloads of the shop in alphabetical order of their names.
func All() []Builtin {
	return []Builtin{
		{"ad", "adservice", RoleService, []string{"hipstershop.AdService"}},
		{"cart", "cartservice", RoleService, []string{"hipstershop.CartService", "shopctl.shop.v1.Carts"}},
		{"catalog", "productcatalogservice", RoleService, []string{"hipstershop.ProductCatalogService"}},
		{"checkout", "checkoutservice", RoleService, []string{"hipstershop.CheckoutService", "shopctl.shop.v1.Orders"}},
		{"currency", "currencyservice", RoleService, []string{"hipstershop.CurrencyService"}},
		{"email", "emailservice", RoleService, []string{"hipstershop.EmailService", "shopctl.shop.v1.Outbox"}},
		{"frontend", "frontend", RoleService, nil},
		{"loadgenerator", "loadgenerator", RoleService, nil},
		{"payment", "paymentservice", RoleService, []string{"hipstershop.PaymentService", "shopctl.shop.v1.Refunds"}},
		{"recommendation", "recommendationservice", RoleService, []string{"hipstershop.RecommendationService"}},
		{"redis-cart", "redis-cart", RoleStore, nil},
		{"shipping", "shippingservice", RoleService, []string{"hipstershop.ShippingService", "shopctl.shop.v1.Shipments", "shopctl.shop.v1.Tracking"}},
	}
}

// Optional returns the workloads that are not part of the shop until something needs them: the issuer of tokens, the bus of
// events, and the warehouse, which listens to it.
func Optional() []Builtin {
	return []Builtin{
		{"issuer", "issuer", RoleStore, nil},
		{"nats", "nats", RoleStore, nil},
		{"warehouse", "warehouse", RoleService, []string{"shopctl.shop.v1.Warehouse"}},
	}
}

// Lookup finds a workload, an optional one, or the monolith, by either of its names, ignoring case.
func Lookup(name string) (Builtin, bool) {
	if strings.EqualFold(name, MonolithName) {
		return Monolith(), true
	}
	for _, b := range append(All(), Optional()...) {
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
