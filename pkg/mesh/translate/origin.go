package translate

import (
	"fmt"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// originKey is the metadata that names the object of a resource: under config as istiod writes it, and under rule the
// part of the object, which istiod does not say.
const originKey = "istio"

// ruleOrigin names a rule of a VirtualService.
func ruleOrigin(vs *VirtualService, index int) *corev3.Metadata {
	return origin(map[string]string{"config": configPath(vs.Namespace, "virtual-service", vs.Name), "rule": fmt.Sprintf("spec.http[%d]", index)})
}

// configPath is the path by which istiod names an object.
func configPath(namespace, kind, name string) string {
	return "/apis/networking.istio.io/v1/namespaces/" + namespace + "/" + kind + "/" + name
}

func origin(texts map[string]string) *corev3.Metadata {
	fields := map[string]*structpb.Value{}
	for key, text := range texts {
		fields[key] = structpb.NewStringValue(text)
	}
	return &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{originKey: {Fields: fields}}}
}
