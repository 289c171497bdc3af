package workload

import (
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
)

// gatewayKey is the gateway's Deployment and Service.
func (c *Controller) gatewayKey() orchestrator.Key {
	return orchestrator.Key{Namespace: c.cfg.Storefront.Namespace, Name: resource.Gateway}
}

// toStorefront is where the storefront's address leads: to the gateway, where there is one. Until that listens for the first
// time, it leads to the instances themselves. After that it never does while the gateway exists: a way round a dead gateway
// would be one round its policies.
func (c *Controller) toStorefront(port int32, direct []string) []string {
	key := c.gatewayKey()
	d, svc := c.deployments[key], c.service(key)
	if d == nil || d.obj == nil || svc == nil || c.suspended[key] || !resource.IsGateway(&d.obj.Spec.Template) || !c.injects(d.obj) {
		c.gatewayed = false
		return direct
	}
	addrs := []string{}
	for _, e := range c.findEndpoints(svc, port) {
		if e.Serving() && c.down == nil {
			addrs = append(addrs, e.Addr)
		}
	}
	c.gatewayed = c.gatewayed || len(addrs) > 0 || len(direct) == 0
	if !c.gatewayed {
		return direct
	}
	return addrs
}
