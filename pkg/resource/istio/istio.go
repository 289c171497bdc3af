// Package istio has the Go types of Istio's objects. A spec is kept as it was written, as an API server keeps it, so that
// 500ms stays 500ms; the message that Istio reads in it is made beside it.
package istio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/shopctl/shopctl/pkg/mesh/protoyaml"
)

// The versions under which objects are stored. Istio serves older ones with the same fields.
const (
	NetworkingVersion = "networking.istio.io/v1"
	SecurityVersion   = "security.istio.io/v1"
)

// The kinds.
type (
	VirtualService        = Object[networking.VirtualService, *networking.VirtualService]
	DestinationRule       = Object[networking.DestinationRule, *networking.DestinationRule]
	Gateway               = Object[networking.Gateway, *networking.Gateway]
	PeerAuthentication    = Object[security.PeerAuthentication, *security.PeerAuthentication]
	AuthorizationPolicy   = Object[security.AuthorizationPolicy, *security.AuthorizationPolicy]
	RequestAuthentication = Object[security.RequestAuthentication, *security.RequestAuthentication]
)

// message is a pointer to a protocol buffer.
type message[T any] interface {
	*T
	proto.Message
}

// Object is an object of one of Istio's kinds.
type Object[T any, M message[T]] struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec[T, M] `json:"spec,omitempty"`
	Status            Status     `json:"status,omitzero"`
}

// DeepCopyObject implements runtime.Object.
func (o *Object[T, M]) DeepCopyObject() runtime.Object {
	if o == nil {
		return nil
	}
	out := &Object[T, M]{TypeMeta: o.TypeMeta, Spec: o.Spec}
	o.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	return out
}

// Status is what Istio itself writes of an object. Nothing writes it here.
type Status struct{}

// Spec is the spec of an object. It is not changed after it was read, so that copies share it.
type Spec[T any, M message[T]] struct {
	written json.RawMessage
	read    M
}

// Message is what Istio reads in the spec. It must not be changed.
func (s Spec[T, M]) Message() M {
	if s.read == nil {
		return new(T)
	}
	return s.read
}

// Tree is the spec as it was written, as a JSON tree.
func (s Spec[T, M]) Tree() any {
	var tree any
	_ = json.Unmarshal(s.written, &tree) // it is JSON, or nothing
	return tree
}

// MarshalJSON returns the spec as it was written.
func (s Spec[T, M]) MarshalJSON() ([]byte, error) {
	if s.written == nil {
		return []byte("{}"), nil
	}
	return s.written, nil
}

// UnmarshalJSON reads a spec strictly: an unknown field is an error.
func (s *Spec[T, M]) UnmarshalJSON(data []byte) error {
	var node yaml.Node
	if err := yaml.Unmarshal(data, &node); err != nil {
		return fmt.Errorf("read spec: %w", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return fmt.Errorf("read spec: %w", err)
	}
	read := M(new(T))
	if len(node.Content) == 1 {
		if err := protoyaml.Into(node.Content[0], read); err != nil {
			return fmt.Errorf("read spec: %w", err)
		}
	}
	s.written, s.read = compact.Bytes(), read
	if bytes.Equal(s.written, []byte("null")) {
		s.written = nil
	}
	return nil
}

// ReadNode returns the mistakes in a spec, each a *strictyaml.Error with its place.
func (*Spec[T, M]) ReadNode(n *yaml.Node) []error {
	err := protoyaml.Into(n, M(new(T)))
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		return several.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}
