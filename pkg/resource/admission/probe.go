package admission

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// probe checks a probe with its defaults. One that restarts the container (liveness, startup) succeeds at the first success.
func (c *issues) probe(path string, p *corev1.Probe, restarts bool) {
	if p == nil {
		return
	}
	if n := given(p.ProbeHandler); n != 1 {
		c.add(path, "must have exactly one of grpc, httpGet, tcpSocket, exec; it has %d", n)
	}
	c.atLeast(path+".initialDelaySeconds", int64(p.InitialDelaySeconds), 0)
	c.atLeast(path+".timeoutSeconds", int64(p.TimeoutSeconds), 1)
	c.atLeast(path+".periodSeconds", int64(p.PeriodSeconds), 1)
	c.atLeast(path+".successThreshold", int64(p.SuccessThreshold), 1)
	c.atLeast(path+".failureThreshold", int64(p.FailureThreshold), 1)
	if restarts && p.SuccessThreshold > 1 {
		c.add(path+".successThreshold", "must be 1 for a probe that restarts the container")
	}
	if grace := p.TerminationGracePeriodSeconds; grace != nil {
		if restarts {
			c.atLeast(path+".terminationGracePeriodSeconds", *grace, 1)
		} else {
			c.add(path+".terminationGracePeriodSeconds", "has no place in a readinessProbe, which restarts nothing")
		}
	}
	switch {
	case p.GRPC != nil:
		c.port(path+".grpc.port", p.GRPC.Port)
	case p.HTTPGet != nil:
		c.portRef(path+".httpGet.port", p.HTTPGet.Port)
		for i, h := range p.HTTPGet.HTTPHeaders {
			c.rule(item(path+".httpGet.httpHeaders", i)+".name", h.Name, validation.IsHTTPHeaderName(h.Name))
		}
	case p.TCPSocket != nil:
		c.portRef(path+".tcpSocket.port", p.TCPSocket.Port)
	case p.Exec != nil && len(p.Exec.Command) == 0:
		c.add(path+".exec.command", "is missing")
	}
}

// portRef checks a port given by number or by name.
func (c *issues) portRef(path string, port intstr.IntOrString) {
	if port.Type == intstr.Int {
		c.port(path, port.IntVal)
		return
	}
	c.rule(path, port.StrVal, validation.IsValidPortName(port.StrVal))
}
