package admission

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// probe checks a probe with its defaults. One that restarts the container (liveness, startup) succeeds at the first success.
func (c *Issues) probe(path string, p *corev1.Probe, restarts bool) {
	if p == nil {
		return
	}
	if n := given(p.ProbeHandler); n != 1 {
		c.Add(path, "must have exactly one of grpc, httpGet, tcpSocket, exec; it has %d", n)
	}
	c.AtLeast(path+".initialDelaySeconds", int64(p.InitialDelaySeconds), 0)
	c.AtLeast(path+".timeoutSeconds", int64(p.TimeoutSeconds), 1)
	c.AtLeast(path+".periodSeconds", int64(p.PeriodSeconds), 1)
	c.AtLeast(path+".successThreshold", int64(p.SuccessThreshold), 1)
	c.AtLeast(path+".failureThreshold", int64(p.FailureThreshold), 1)
	if restarts && p.SuccessThreshold > 1 {
		c.Add(path+".successThreshold", "must be 1 for a probe that restarts the container")
	}
	if grace := p.TerminationGracePeriodSeconds; grace != nil {
		if restarts {
			c.AtLeast(path+".terminationGracePeriodSeconds", *grace, 1)
		} else {
			c.Add(path+".terminationGracePeriodSeconds", "is not allowed in a readinessProbe, which restarts nothing")
		}
	}
	switch {
	case p.GRPC != nil:
		c.Port(path+".grpc.port", p.GRPC.Port)
	case p.HTTPGet != nil:
		c.PortRef(path+".httpGet.port", p.HTTPGet.Port)
		for i, h := range p.HTTPGet.HTTPHeaders {
			c.Rule(Item(path+".httpGet.httpHeaders", i)+".name", h.Name, validation.IsHTTPHeaderName(h.Name))
		}
	case p.TCPSocket != nil:
		c.PortRef(path+".tcpSocket.port", p.TCPSocket.Port)
	case p.Exec != nil && len(p.Exec.Command) == 0:
		c.Add(path+".exec.command", "is missing")
	}
}

// PortRef checks a port given by number or by name.
func (c *Issues) PortRef(path string, port intstr.IntOrString) {
	if port.Type == intstr.Int {
		c.Port(path, port.IntVal)
		return
	}
	c.Rule(path, port.StrVal, validation.IsValidPortName(port.StrVal))
}
