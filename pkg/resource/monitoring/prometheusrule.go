// Package monitoring defines the Go types of monitoring.coreos.com/v1 that the shop supports. The
// operator's own module would bring all of its kinds for the one that is needed.
package monitoring

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/shopctl/shopctl/pkg/rule"
)

// APIVersion of the types of this package.
const APIVersion = "monitoring.coreos.com/v1"

// PrometheusRule holds recording and alerting rules.
type PrometheusRule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              rule.Spec `json:"spec"`
}

// DeepCopyObject implements runtime.Object.
func (r *PrometheusRule) DeepCopyObject() runtime.Object {
	if r == nil {
		return nil
	}
	out := &PrometheusRule{TypeMeta: r.TypeMeta, Spec: r.Spec.DeepCopy()}
	r.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	return out
}
