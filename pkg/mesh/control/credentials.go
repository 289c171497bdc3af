package control

import (
	"crypto/tls"
	"crypto/x509"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/mesh/translate"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/resource/istio"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// credentials are those that the Gateways of a shop name, from Secrets with tls.crt, tls.key and, for MUTUAL, ca.crt; the last can
// stand in a Secret NAME-cacert. A certificate that does not fit its key is left out: a gateway would refuse all of its configuration.
func credentials(objects store.Snapshot) map[string]translate.Credential {
	named := map[string]bool{}
	for _, g := range store.All[*istio.Gateway](objects, "") {
		for _, s := range g.Spec.Message().GetServers() {
			if translate.SecuredMode(s) {
				named[s.GetTls().GetCredentialName()] = true
			}
		}
	}
	if len(named) == 0 {
		return nil
	}
	secrets := map[string]*corev1.Secret{}
	for _, s := range store.All[*corev1.Secret](objects, "") {
		secrets[s.Namespace+"/"+s.Name] = s
	}
	all := map[string]translate.Credential{}
	for key, s := range secrets {
		if !named[s.Name] {
			continue
		}
		c := translate.Credential{Certificate: s.Data[corev1.TLSCertKey], Key: s.Data[corev1.TLSPrivateKeyKey], CA: s.Data["ca.crt"]}
		if more := secrets[key+"-cacert"]; more != nil {
			c.CA = more.Data["ca.crt"]
		}
		if len(c.CA) > 0 && !x509.NewCertPool().AppendCertsFromPEM(c.CA) {
			c.CA = nil
		}
		if _, err := tls.X509KeyPair(c.Certificate, c.Key); err == nil {
			all[key] = c
		}
	}
	return all
}

// withoutKeys are resources as they may be seen: without the private keys of a gateway. What it is given is not changed.
func withoutKeys(r *xds.Resources) *xds.Resources {
	shown := *r
	shown.Listeners = make([]*listenerv3.Listener, len(r.Listeners))
	for i, l := range r.Listeners {
		shown.Listeners[i] = l
		for j, chain := range l.GetFilterChains() {
			var context tlsv3.DownstreamTlsContext
			packed := chain.GetTransportSocket().GetTypedConfig()
			if !packed.MessageIs(&context) || packed.UnmarshalTo(&context) != nil || len(context.GetCommonTlsContext().GetTlsCertificates()) == 0 {
				continue
			}
			for _, c := range context.GetCommonTlsContext().GetTlsCertificates() {
				c.PrivateKey = nil
			}
			if shown.Listeners[i] == l {
				shown.Listeners[i] = proto.CloneOf(l)
			}
			shown.Listeners[i].GetFilterChains()[j].GetTransportSocket().GetTypedConfig().Value = translate.Pack(&context).GetValue()
		}
	}
	return &shown
}
