// Package setup lists the code of the workloads that package services names. It is the only place that knows all of it;
// services do not import each other.
package setup

import (
	"context"
	"strings"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/services"
	"github.com/shopctl/shopctl/services/ad"
	"github.com/shopctl/shopctl/services/cart"
	"github.com/shopctl/shopctl/services/cart/rediscart"
	"github.com/shopctl/shopctl/services/catalog"
	"github.com/shopctl/shopctl/services/checkout"
	"github.com/shopctl/shopctl/services/currency"
	"github.com/shopctl/shopctl/services/email"
	"github.com/shopctl/shopctl/services/frontend"
	"github.com/shopctl/shopctl/services/issuer"
	"github.com/shopctl/shopctl/services/loadgenerator"
	"github.com/shopctl/shopctl/services/nats"
	"github.com/shopctl/shopctl/services/payment"
	"github.com/shopctl/shopctl/services/recommendation"
	"github.com/shopctl/shopctl/services/shipping"
	"github.com/shopctl/shopctl/services/warehouse"
)

// Of returns how a workload is set up, by its name in package services; nil for the monolith, whose Modules are set up one
// by one, and for a name that is not in the catalog.
func Of(name string) chassis.Setup {
	return map[string]chassis.Setup{
		"ad":             ad.Setup,
		"cart":           cart.Setup,
		"catalog":        catalog.Setup,
		"checkout":       checkout.Setup,
		"currency":       currency.Setup,
		"email":          email.Setup,
		"frontend":       frontend.Setup,
		"issuer":         issuer.Setup,
		"loadgenerator":  loadgenerator.Setup,
		"nats":           nats.Setup,
		"payment":        payment.Setup,
		"recommendation": recommendation.Setup,
		"redis-cart":     rediscart.Setup,
		"shipping":       shipping.Setup,
		"warehouse":      warehouse.Setup,
	}[name]
}

// Check returns what reports why an instance of a workload cannot be used, by its own protocol; nil for one that has
// nothing to add to the probes in its manifest. env is the environment of the instance; with write set, it must also be
// able to keep data.
func Check(name string) func(ctx context.Context, addr string, env []string, write bool) error {
	if name != "redis-cart" {
		return nil
	}
	return func(ctx context.Context, addr string, env []string, write bool) error {
		password := ""
		for _, kv := range env {
			if value, ok := strings.CutPrefix(kv, "REDIS_PASSWORD="); ok {
				password = value
			}
		}
		return rediscart.Check(ctx, addr, password, write)
	}
}

// Modules are the services of the monolith, with their code.
func Modules() []chassis.Module {
	var modules []chassis.Module
	for _, m := range services.Modules() {
		modules = append(modules, chassis.Module{Name: m.Name, Workload: m.Workload, Setup: Of(m.Name)})
	}
	return modules
}
