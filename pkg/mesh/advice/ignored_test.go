package advice_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/advice"
)

func specs() map[string]proto.Message {
	return map[string]proto.Message{
		"VirtualService": &networking.VirtualService{}, "DestinationRule": &networking.DestinationRule{}, "AuthorizationPolicy": &security.AuthorizationPolicy{},
		"RequestAuthentication": &security.RequestAuthentication{}, "PeerAuthentication": &security.PeerAuthentication{}, "Gateway": &networking.Gateway{},
	}
}

func TestEachIgnoredFieldIsOneOfItsKind(t *testing.T) {
	for kind, spec := range specs() {
		seen := map[string]bool{}
		for _, f := range advice.IgnoredIn(kind) {
			if seen[f.Field] {
				t.Errorf("%s: %s is there twice", kind, f.Field)
			}
			seen[f.Field] = true
			if f.Message == "" {
				t.Errorf("%s: nothing is said of %s", kind, f.Field)
			}
			at := spec.ProtoReflect().Descriptor()
			for name := range strings.SplitSeq(strings.TrimPrefix(f.Field, "spec."), ".") {
				name, list := strings.CutSuffix(name, "[]")
				field := at.Fields().ByJSONName(name)
				if field == nil {
					t.Errorf("%s: %s is no field: %s has no %s", kind, f.Field, at.Name(), name)
					break
				}
				if list && !field.IsList() {
					t.Errorf("%s: %s is no list in %s", kind, name, f.Field)
				}
				if field.Kind() == protoreflect.MessageKind {
					at = field.Message()
				}
			}
		}
	}
}

func TestSomethingIsSaidOfWhatTheMeshLeavesOut(t *testing.T) {
	for kind, want := range map[string][]string{
		"VirtualService":        {"spec.tcp[].match[].destinationSubnets", "spec.tls[]", "spec.exportTo", "spec.http[].delegate"},
		"DestinationRule":       {"spec.trafficPolicy.loadBalancer.localityLbSetting", "spec.subsets[].trafficPolicy.tunnel", "spec.workloadSelector"},
		"AuthorizationPolicy":   {"spec.provider", "spec.targetRefs"},
		"RequestAuthentication": {"spec.targetRefs"},
	} {
		said := map[string]bool{}
		for _, f := range advice.IgnoredIn(kind) {
			said[f.Field] = true
		}
		for _, field := range want {
			if !said[field] {
				t.Errorf("nothing is said of %s in a %s", field, kind)
			}
		}
	}
}
