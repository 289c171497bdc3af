package resource

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/mesh/advice"
	"github.com/shopctl/shopctl/pkg/resource/istio"
)

// worldOf returns what objects of Istio may refer to.
func worldOf(others Objects) advice.World {
	var w advice.World
	for _, namespace := range others.Names(KindNamespace, "") {
		w.Services = append(w.Services, servicesOf(others, namespace)...)
		w.Workloads = append(w.Workloads, workloadsOf(others, namespace)...)
		if others.Find(Key{KindDeployment, namespace, Gateway}) == nil && hasStorefront(others, namespace) {
			expectGateway(&w, namespace)
		}
		for _, name := range others.Names(KindServiceAccount, namespace) {
			w.Accounts = append(w.Accounts, namespace+"/"+name)
		}
		w.Accounts = append(w.Accounts, namespace+"/"+defaultServiceAccount)
		addSecrets(&w, others, namespace)
		for _, name := range others.Names(KindVirtualService, namespace) {
			if o, ok := others.Find(Key{KindVirtualService, namespace, name}).(*istio.VirtualService); ok {
				w.VirtualServices = append(w.VirtualServices, virtualServiceOf(o))
			}
		}
		for _, name := range others.Names(KindGateway, namespace) {
			if o, ok := others.Find(Key{KindGateway, namespace, name}).(*istio.Gateway); ok {
				w.Gateways = append(w.Gateways, advice.Gateway{Namespace: namespace, Name: name, Spec: o.Spec.Message()})
			}
		}
		for _, name := range others.Names(KindAuthorizationPolicy, namespace) {
			if o, ok := others.Find(Key{KindAuthorizationPolicy, namespace, name}).(*istio.AuthorizationPolicy); ok {
				w.Authorizations = append(w.Authorizations, advice.Authorization{Namespace: namespace, Spec: o.Spec.Message()})
			}
		}
		for _, name := range others.Names(KindDestinationRule, namespace) {
			if o, ok := others.Find(Key{KindDestinationRule, namespace, name}).(*istio.DestinationRule); ok {
				w.DestinationRules = append(w.DestinationRules, advice.DestinationRule{Namespace: namespace, Name: name, Spec: o.Spec.Message()})
			}
		}
	}
	return w
}

// addSecrets adds the Secrets by which a gateway can serve TLS.
func addSecrets(w *advice.World, others Objects, namespace string) {
	for _, name := range others.Names(KindSecret, namespace) {
		o, ok := others.Find(Key{KindSecret, namespace, name}).(*corev1.Secret)
		if !ok {
			continue
		}
		if len(o.Data[corev1.TLSCertKey]) > 0 && len(o.Data[corev1.TLSPrivateKeyKey]) > 0 {
			w.Secrets = append(w.Secrets, namespace+"/"+name)
		}
		if len(o.Data["ca.crt"]) > 0 {
			w.Authorities = append(w.Authorities, namespace+"/"+name)
		}
	}
}

func servicesOf(others Objects, namespace string) []advice.Service {
	var services []advice.Service
	for _, name := range others.Names(KindService, namespace) {
		o, ok := others.Find(Key{KindService, namespace, name}).(*corev1.Service)
		if !ok {
			continue
		}
		s := advice.Service{Namespace: namespace, Name: name, Selector: o.Spec.Selector}
		for _, p := range o.Spec.Ports {
			s.GRPC = s.GRPC || serves(p, "grpc")
			s.HTTP2 = s.HTTP2 || serves(p, "grpc", "http2")
			s.Ports = append(s.Ports, uint32(p.Port))
		}
		services = append(services, s)
	}
	return services
}

func workloadsOf(others Objects, namespace string) []advice.Workload {
	var workloads []advice.Workload
	for _, name := range others.Names(KindDeployment, namespace) {
		o, ok := others.Find(Key{KindDeployment, namespace, name}).(*appsv1.Deployment)
		if !ok {
			continue
		}
		replicas := 1
		if o.Spec.Replicas != nil {
			replicas = int(*o.Spec.Replicas)
		}
		workloads = append(workloads, advice.Workload{Namespace: namespace, Name: name, Labels: o.Spec.Template.Labels, Replicas: replicas, Gateway: IsGateway(&o.Spec.Template)})
	}
	return workloads
}

// hasStorefront reports whether a namespace is the shop's, which gets a gateway when it joins the mesh.
func hasStorefront(others Objects, namespace string) bool {
	return others.Find(Key{KindService, namespace, "frontend"}) != nil
}

// expectGateway adds the gateway that there will be once the namespace is in the mesh.
func expectGateway(w *advice.World, namespace string) {
	labels := map[string]string{"app": Gateway, "istio": "ingressgateway"}
	w.Workloads = append(w.Workloads, advice.Workload{Namespace: namespace, Name: Gateway, Labels: labels, Replicas: 1, Gateway: true})
	w.Services = append(w.Services, advice.Service{Namespace: namespace, Name: Gateway, Selector: labels, HTTP2: true, Ports: []uint32{80}})
	w.Accounts = append(w.Accounts, namespace+"/"+Gateway)
}
