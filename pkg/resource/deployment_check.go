package resource

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// MaxReplicas is a limit for one machine: a typo should not start ten thousand processes.
const MaxReplicas = 100

// checkDeployment adds what the API server would refuse in a Deployment that has its defaults.
func checkDeployment(c *admission.Issues, d *appsv1.Deployment) {
	s := &d.Spec
	if s.Replicas != nil {
		c.AtLeast("spec.replicas", int64(*s.Replicas), 0)
		if n := *s.Replicas; n > MaxReplicas {
			c.Add("spec.replicas", "%d are too many for one machine; at most %d are possible", n, MaxReplicas)
		}
	}
	c.AtLeast("spec.minReadySeconds", int64(s.MinReadySeconds), 0)
	if s.RevisionHistoryLimit != nil {
		c.AtLeast("spec.revisionHistoryLimit", int64(*s.RevisionHistoryLimit), 0)
	}
	if deadline := s.ProgressDeadlineSeconds; deadline != nil && *deadline <= s.MinReadySeconds {
		c.Add("spec.progressDeadlineSeconds", "%d must be more than minReadySeconds (%d)", *deadline, s.MinReadySeconds)
	}
	checkStrategy(c, &s.Strategy)
	const template = "spec.template"
	c.Labels(template+".metadata.labels", s.Template.Labels)
	c.Annotations(template+".metadata.annotations", s.Template.Annotations)
	checkDeploymentSelector(c, s)
	c.Pod(template+".spec", &s.Template.Spec)
}

// checkDeploymentSelector checks spec.selector, and that it chooses the Deployment's own instances.
func checkDeploymentSelector(c *admission.Issues, s *appsv1.DeploymentSpec) {
	const path = "spec.selector"
	if s.Selector == nil || len(s.Selector.MatchLabels)+len(s.Selector.MatchExpressions) == 0 {
		c.Add(path, "is missing; it chooses this Deployment's instances by their labels")
		return
	}
	before := len(*c)
	c.Selector(path, s.Selector)
	if len(*c) > before {
		return
	}
	selector, err := metav1.LabelSelectorAsSelector(s.Selector)
	if err != nil {
		c.Add(path, "%v", err)
		return
	}
	if !selector.Matches(labels.Set(s.Template.Labels)) {
		has := "none"
		if len(s.Template.Labels) > 0 {
			has = labels.FormatLabels(s.Template.Labels)
		}
		c.Add("spec.template.metadata.labels", "spec.selector requires %s, but the template's labels are %s",
			strings.ReplaceAll(selector.String(), ",", ", "), strings.ReplaceAll(has, ",", ", "))
	}
}

func checkStrategy(c *admission.Issues, s *appsv1.DeploymentStrategy) {
	const path = "spec.strategy.rollingUpdate"
	switch s.Type {
	case appsv1.RecreateDeploymentStrategyType:
		if s.RollingUpdate != nil {
			c.Add(path, "cannot be combined with type Recreate")
		}
		return
	case appsv1.RollingUpdateDeploymentStrategyType:
	default:
		c.Add("spec.strategy.type", "%q is not one of RollingUpdate, Recreate", s.Type)
	}
	if s.RollingUpdate == nil {
		return
	}
	unavailable, ok := checkAmount(c, path+".maxUnavailable", s.RollingUpdate.MaxUnavailable)
	surge, alsoOK := checkAmount(c, path+".maxSurge", s.RollingUpdate.MaxSurge)
	if ok && alsoOK && unavailable == 0 && surge == 0 {
		c.Add(path+".maxUnavailable", "cannot be 0 when maxSurge is 0: no instance could be replaced")
	}
	if ok && s.RollingUpdate.MaxUnavailable != nil && s.RollingUpdate.MaxUnavailable.Type == intstr.String && unavailable > 100 {
		c.Add(path+".maxUnavailable", "cannot be more than 100%%")
	}
}

// checkAmount checks a number or percentage and returns it.
func checkAmount(c *admission.Issues, path string, v *intstr.IntOrString) (amount int, ok bool) {
	if v == nil {
		return 0, true
	}
	if v.Type == intstr.Int {
		c.AtLeast(path, int64(v.IntVal), 0)
		return int(v.IntVal), v.IntVal >= 0
	}
	if len(validation.IsValidPercent(v.StrVal)) > 0 || len(v.StrVal) > len("1000000%") {
		c.Add(path, `%q is neither a number nor a percentage such as "25%%"`, v.StrVal)
		return 0, false
	}
	_, err := fmt.Sscanf(v.StrVal, "%d%%", &amount)
	return amount, err == nil
}
