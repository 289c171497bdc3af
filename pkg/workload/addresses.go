package workload

import (
	"fmt"
	"net"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
	"github.com/shopctl/shopctl/pkg/workload/proxy"
)

// addresses are the stable addresses of Services, one for each port. They stay as long as the shop runs, so that a
// container which was given one can use it when its Service comes back.
type addresses struct {
	cfg    *Config
	report *reporter
	open   map[podspec.Reference]Address
	next   int // the port of the next one, 0 for any that is free
}

// sync opens the addresses of new Services. At first, a port that was asked for and is taken is an error.
func (a *addresses) sync(services []*corev1.Service, first bool) error {
	for _, svc := range sortedServices(services) {
		key := orchestrator.Key{Namespace: svc.Namespace, Name: svc.Name}
		for _, port := range svc.Spec.Ports {
			ref := podspec.Reference{Service: key, Port: port.Port}
			if a.open[ref] != nil {
				continue
			}
			if port.Protocol != "" && port.Protocol != corev1.ProtocolTCP {
				a.report.warnOnce("proto "+key.String(), key, "UnsupportedProtocol", fmt.Sprintf("port %d has no address: only TCP is supported on one machine", port.Port))
				continue
			}
			opened, err := a.openNext(key, first)
			if err != nil {
				return fmt.Errorf("open address of service %s: %w", key.Name, err)
			}
			a.open[ref] = opened
		}
	}
	return nil
}

// openNext opens the next stable address. The storefront gets the friendly one.
func (a *addresses) openNext(service orchestrator.Key, first bool) (Address, error) {
	if service == a.cfg.Storefront && a.cfg.StorefrontAddr != "" {
		opened, err := a.cfg.OpenAddress(a.cfg.StorefrontAddr)
		if err == nil || (a.cfg.StorefrontStrict && first) {
			return opened, err
		}
		a.cfg.Log.Info("the storefront's port is taken: using another", "error", err)
	}
	port := 0
	if a.next > 0 {
		port = a.next
		a.next++
	}
	opened, err := a.cfg.OpenAddress(net.JoinHostPort(proxy.Host, strconv.Itoa(port)))
	if err != nil && !first {
		a.report.warnOnce("port "+service.String(), service, "PortTaken", err.Error()+"; another is used")
		return a.cfg.OpenAddress(net.JoinHostPort(proxy.Host, "0"))
	}
	return opened, err
}

// of is the address of a Service's port, empty if it has none.
func (a *addresses) of(service orchestrator.Key, port int32) string {
	if opened := a.open[podspec.Reference{Service: service, Port: port}]; opened != nil {
		return opened.String()
	}
	return ""
}

func (a *addresses) close() {
	for _, opened := range a.open {
		_ = opened.Close()
	}
}
