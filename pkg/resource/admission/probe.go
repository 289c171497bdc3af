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
	c.handler(path, handler{p.Exec, p.HTTPGet, p.TCPSocket})
	if p.GRPC != nil {
		c.Port(path+".grpc.port", p.GRPC.Port)
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
}

// handler is what probes and hooks can do. One of its fields is set.
type handler struct {
	exec *corev1.ExecAction
	http *corev1.HTTPGetAction
	tcp  *corev1.TCPSocketAction
}

func (c *Issues) handler(path string, h handler) {
	if h.exec != nil && len(h.exec.Command) == 0 {
		c.Add(path+".exec.command", "is missing")
	}
	if h.http != nil {
		c.PortRef(path+".httpGet.port", h.http.Port)
		c.Required(path+".httpGet.path", h.http.Path)
		for i, header := range h.http.HTTPHeaders {
			c.Rule(Item(path+".httpGet.httpHeaders", i)+".name", header.Name, validation.IsHTTPHeaderName(header.Name))
		}
	}
	if h.tcp != nil {
		c.PortRef(path+".tcpSocket.port", h.tcp.Port)
	}
}

// lifecycle checks the hooks of a container.
func (c *Issues) lifecycle(path string, l *corev1.Lifecycle, p *corev1.PodSpec) {
	if l == nil {
		return
	}
	c.hook(path+".postStart", l.PostStart, p)
	c.hook(path+".preStop", l.PreStop, p)
}

func (c *Issues) hook(path string, h *corev1.LifecycleHandler, p *corev1.PodSpec) {
	if h == nil {
		return
	}
	if n := given(*h); n != 1 {
		c.Add(path, "must have exactly one of exec, httpGet, tcpSocket, sleep; it has %d", n)
	}
	c.handler(path, handler{h.Exec, h.HTTPGet, h.TCPSocket})
	if grace := p.TerminationGracePeriodSeconds; h.Sleep != nil && grace != nil && (h.Sleep.Seconds < 0 || h.Sleep.Seconds > *grace) {
		c.Add(path+".sleep", "%d seconds are not between 0 and terminationGracePeriodSeconds (%d)", h.Sleep.Seconds, *grace)
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
