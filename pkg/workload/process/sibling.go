package process

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// siblingAddr is where the container that declares a port listens on this machine; empty if that is not known.
func (p *pod) siblingAddr(number string) string {
	if port := p.ports[declares(p.spec.All(), number)]; port != 0 {
		return "127.0.0.1:" + strconv.Itoa(port)
	}
	return ""
}

// declares is the name of the container whose first port has a number; empty if there is none. A container is given
// one port on this machine: its others exist on a cluster only.
func declares(all []podspec.Container, number string) string {
	for _, c := range all {
		if len(c.Ports) > 0 && strconv.Itoa(int(c.Ports[0].Number)) == number {
			return c.Name
		}
	}
	return ""
}

// strayLocalhost warns of addresses that lead to no container of the pod.
func strayLocalhost(c podspec.Container) []string {
	var warnings []string
	for _, kv := range c.Env {
		name, value, _ := strings.Cut(kv, "=")
		for _, port := range podspec.StrayLocalhost(value) {
			warnings = append(warnings, fmt.Sprintf("container %s: env %s: no container of this pod declares the containerPort %s, so that localhost:%s leads to whatever listens there on this machine", c.Name, name, port, port))
		}
	}
	return warnings
}
