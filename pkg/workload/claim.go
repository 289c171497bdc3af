package workload

import (
	"fmt"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// claimHolder is why a pod has to wait for a ReadWriteOncePod claim: another pod still uses it. Empty if none does.
func (c *Controller) claimHolder(p *pod) string {
	for _, v := range p.rev.template.Pod.Volumes {
		if !v.Exclusive {
			continue
		}
		if holder := c.userOf(v.Claim, p); holder != "" {
			return fmt.Sprintf("waits for the ReadWriteOncePod claim %s, which %s uses", v.Claim.Name, holder)
		}
	}
	return ""
}

// userOf is the name of a pod, other than the given one, that has begun to use a claim.
func (c *Controller) userOf(claim orchestrator.Key, other *pod) string {
	for _, d := range c.sorted() {
		for _, p := range d.pods {
			if p == other || p.phase == pending || p.phase == gone {
				continue
			}
			for _, v := range p.rev.template.Pod.Volumes {
				if v.Claim == claim {
					return p.name
				}
			}
		}
	}
	return ""
}
