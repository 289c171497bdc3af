package workload

import (
	"fmt"
	"slices"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// describe is the state of a pod as readers see it.
func (p *pod) describe() orchestrator.Instance {
	s := orchestrator.Instance{
		Name: p.name, Version: p.rev.template.Pod.Version, Message: p.reason(), Status: p.status(), Restarts: p.restarts(),
	}
	for _, k := range p.containers {
		s.Containers = append(s.Containers, k.describe())
	}
	if k := p.main(); k != nil {
		s.Started = k.began
		if k.handle != nil {
			s.Addr = k.handle.Addrs().App
		}
	}
	switch {
	case p.leaving:
		s.State = "stopping"
	case p.paused.Load():
		s.State = "paused"
	case p.ready:
		s.State, s.Message = "ready", ""
	case p.crashloop():
		s.State = "crashloop"
	case p.backingOff():
		s.State = "backoff"
	case slices.ContainsFunc(p.containers, (*container).lostReadiness):
		s.State = "unready"
	default:
		s.State = "starting"
	}
	return s
}

// lostReadiness reports whether a running container was ready before.
func (k *container) lostReadiness() bool {
	return k.phase == running && !k.ready && !k.readySince.IsZero() && !k.readySince.Before(k.began)
}

func (k *container) describe() orchestrator.Container {
	spec := k.spec(&k.pod.rev.template.Pod)
	s := orchestrator.Container{
		Name: k.name, Image: spec.Image, Kind: k.kind, Message: k.reason, Ready: k.ready, Restarts: k.restarts, Started: k.began,
	}
	if k.handle != nil {
		addrs := k.handle.Addrs()
		s.ID, s.Addr, s.Admin = k.handle.ID(), addrs.App, addrs.Admin
	}
	if k.mesh {
		s.Proxy = k.proxy
		if s.Listeners = k.listeners; s.Listeners == nil {
			s.Listeners = map[string]string{}
		}
	}
	switch k.phase {
	case waiting:
		s.State = "waiting"
	case starting:
		s.State = "starting"
	case running:
		s.State = "running"
	case ended:
		s.State = "completed"
	case backingOff:
		s.State = "backoff"
		if k.crashloop {
			s.State = "crashloop"
		}
	}
	return s
}

// reason is why the pod is not ready, in one line: the reason of its first container that is not ready.
func (p *pod) reason() string {
	if p.phase == pending {
		return p.waitsFor
	}
	for _, k := range p.containers {
		switch {
		case k.reason != "" && !k.ready && k.phase != ended:
			return k.label() + k.reason
		case k.kind == orchestrator.InitContainer && k.phase == running:
			return "waits for init container " + k.name + " to complete"
		case k.kind == orchestrator.Sidecar && !p.initialized && k.phase == running && !k.started:
			return "waits for container " + k.name + " to start"
		}
	}
	return ""
}

// status is kubectl's word for the state of the pod.
func (p *pod) status() string {
	switch {
	case p.leaving:
		return "Terminating"
	case p.phase == pending:
		return "Pending"
	}
	total, done := 0, 0
	for _, k := range p.containers {
		switch {
		case k.kind == orchestrator.AppContainer:
			continue
		case k.phase == ended || k.kind == orchestrator.Sidecar && k.started:
			done++
		case k.phase == backingOff && !p.initialized:
			return "Init:" + k.failure()
		}
		total++
	}
	if !p.initialized && total > 0 {
		return fmt.Sprintf("Init:%d/%d", done, total)
	}
	for _, k := range p.containers {
		if k.phase == backingOff {
			return k.failure()
		}
	}
	if !p.runs() {
		return "PodInitializing"
	}
	return "Running"
}

// failure is kubectl's word for a container that waits for its restart.
func (k *container) failure() string {
	if k.crashloop {
		return "CrashLoopBackOff"
	}
	if k.outOfMemory {
		return OOMKilled
	}
	return "Error"
}
