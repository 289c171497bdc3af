package translate

import (
	"errors"
	"slices"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
)

// upstream is the socket of the cluster of all endpoints, and what is said of server names.
func upstream(t *testing.T, tls string) (*tlsv3.UpstreamTlsContext, *corev3.UpstreamHttpProtocolOptions) {
	t.Helper()
	m := shop()
	m.rule(t, `{host: paymentservice, trafficPolicy: {tls: `+tls+`}}`)
	c := m.Clusters(checkout, &m.Services[0], grpcPort)[0]
	var context tlsv3.UpstreamTlsContext
	var options httpv3.HttpProtocolOptions
	if err := errors.Join(c.GetTransportSocket().GetTypedConfig().UnmarshalTo(&context), c.GetTypedExtensionProtocolOptions()[httpOptions].UnmarshalTo(&options), c.ValidateAll(), context.ValidateAll()); err != nil {
		t.Fatal(err)
	}
	return &context, options.GetUpstreamHttpProtocolOptions()
}

func TestTLSByFilesNamesThemAsIstiodDoes(t *testing.T) {
	context, names := upstream(t, `{mode: MUTUAL, caCertificates: /ca.pem, clientCertificate: /c.pem, privateKey: /k.pem}`)
	common := context.GetCommonTlsContext()
	root := common.GetCombinedValidationContext().GetValidationContextSdsSecretConfig().GetName()
	if root != "file-root:/ca.pem" || common.GetTlsCertificateSdsSecretConfigs()[0].GetName() != "file-cert:/c.pem~/k.pem" || !slices.Equal(common.GetAlpnProtocols(), []string{"h2"}) {
		t.Errorf("%v", context)
	}
	if !names.GetAutoSni() || !names.GetAutoSanValidation() {
		t.Errorf("server names: %v", names)
	}
}

func TestTLSByFilesTakesTheNamesOfAnObject(t *testing.T) {
	context, names := upstream(t, `{mode: SIMPLE, sni: shop.example, subjectAltNames: [a.example]}`)
	combined := context.GetCommonTlsContext().GetCombinedValidationContext()
	//lint:ignore SA1019 Istio sets the older field.
	accepted := combined.GetDefaultValidationContext().GetMatchSubjectAltNames()
	if context.GetSni() != "shop.example" || combined.GetValidationContextSdsSecretConfig().GetName() != "file-root:system" || len(accepted) != 1 || accepted[0].GetExact() != "a.example" || names != nil {
		t.Errorf("%v, server names: %v", context, names)
	}
}

func TestTLSThatIsNotVerifiedTrustsNoAuthority(t *testing.T) {
	context, names := upstream(t, `{mode: SIMPLE, insecureSkipVerify: true}`)
	if context.GetCommonTlsContext().GetCombinedValidationContext() != nil || !names.GetAutoSni() || names.GetAutoSanValidation() {
		t.Errorf("%v, server names: %v", context, names)
	}
}
