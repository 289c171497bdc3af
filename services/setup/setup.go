// Package setup lists the code of the workloads that package services names. It is the only place that knows all of it;
// services do not import each other.
package setup

import (
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
	"github.com/shopctl/shopctl/services/loadgenerator"
	"github.com/shopctl/shopctl/services/payment"
	"github.com/shopctl/shopctl/services/recommendation"
	"github.com/shopctl/shopctl/services/shipping"
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
		"loadgenerator":  loadgenerator.Setup,
		"payment":        payment.Setup,
		"recommendation": recommendation.Setup,
		"redis-cart":     rediscart.Setup,
		"shipping":       shipping.Setup,
	}[name]
}

// Modules are the services of the monolith, with their code.
func Modules() []chassis.Module {
	var modules []chassis.Module
	for _, m := range services.Modules() {
		modules = append(modules, chassis.Module{Name: m.Name, Workload: m.Workload, Setup: Of(m.Name)})
	}
	return modules
}
