package admission

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

func (c *issues) deployment(s *appsv1.DeploymentSpec) {
	if s.Replicas != nil {
		c.atLeast("spec.replicas", int64(*s.Replicas), 0)
	}
	c.atLeast("spec.minReadySeconds", int64(s.MinReadySeconds), 0)
	if s.RevisionHistoryLimit != nil {
		c.atLeast("spec.revisionHistoryLimit", int64(*s.RevisionHistoryLimit), 0)
	}
	if deadline := s.ProgressDeadlineSeconds; deadline != nil && *deadline <= s.MinReadySeconds {
		c.add("spec.progressDeadlineSeconds", "%d must be more than minReadySeconds (%d)", *deadline, s.MinReadySeconds)
	}
	c.strategy(&s.Strategy)
	const template = "spec.template"
	c.labels(template+".metadata.labels", s.Template.Labels)
	c.annotations(template+".metadata.annotations", s.Template.Annotations)
	c.selector(s)
	c.pod(template+".spec", &s.Template.Spec)
}

// selector checks spec.selector, and that it chooses the Deployment's own instances.
func (c *issues) selector(s *appsv1.DeploymentSpec) {
	const path = "spec.selector"
	if s.Selector == nil || len(s.Selector.MatchLabels)+len(s.Selector.MatchExpressions) == 0 {
		c.add(path, "is missing; it says which instances are this Deployment's, by their labels")
		return
	}
	before := len(*c)
	c.labels(path+".matchLabels", s.Selector.MatchLabels)
	for i, e := range s.Selector.MatchExpressions {
		c.expression(item(path+".matchExpressions", i), e)
	}
	if len(*c) > before {
		return
	}
	selector, err := metav1.LabelSelectorAsSelector(s.Selector)
	if err != nil {
		c.add(path, "%v", err)
		return
	}
	if !selector.Matches(labels.Set(s.Template.Labels)) {
		has := "none"
		if len(s.Template.Labels) > 0 {
			has = labels.FormatLabels(s.Template.Labels)
		}
		c.add("spec.template.metadata.labels", "spec.selector wants %s, but the template's labels are %s",
			strings.ReplaceAll(selector.String(), ",", ", "), strings.ReplaceAll(has, ",", ", "))
	}
}

func (c *issues) expression(path string, e metav1.LabelSelectorRequirement) {
	c.rule(path+".key", e.Key, validation.IsQualifiedName(e.Key))
	switch e.Operator {
	case metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn:
		if len(e.Values) == 0 {
			c.add(path+".values", "is missing; %s needs values", e.Operator)
		}
	case metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist:
		if len(e.Values) > 0 {
			c.add(path+".values", "%s takes no values", e.Operator)
		}
	default:
		c.add(path+".operator", "%q is not one of In, NotIn, Exists, DoesNotExist", e.Operator)
	}
	for i, v := range e.Values {
		c.rule(item(path+".values", i), v, validation.IsValidLabelValue(v))
	}
}

func (c *issues) strategy(s *appsv1.DeploymentStrategy) {
	const path = "spec.strategy.rollingUpdate"
	switch s.Type {
	case appsv1.RecreateDeploymentStrategyType:
		if s.RollingUpdate != nil {
			c.add(path, "has no place beside type Recreate")
		}
		return
	case appsv1.RollingUpdateDeploymentStrategyType:
	default:
		c.add("spec.strategy.type", "%q is not one of RollingUpdate, Recreate", s.Type)
	}
	if s.RollingUpdate == nil {
		return
	}
	unavailable, ok := c.amount(path+".maxUnavailable", s.RollingUpdate.MaxUnavailable)
	surge, alsoOK := c.amount(path+".maxSurge", s.RollingUpdate.MaxSurge)
	if ok && alsoOK && unavailable == 0 && surge == 0 {
		c.add(path+".maxUnavailable", "cannot be 0 when maxSurge is 0: no instance could be replaced")
	}
	if ok && s.RollingUpdate.MaxUnavailable != nil && s.RollingUpdate.MaxUnavailable.Type == intstr.String && unavailable > 100 {
		c.add(path+".maxUnavailable", "cannot be more than 100%%")
	}
}

// amount checks a number or percentage and returns it.
func (c *issues) amount(path string, v *intstr.IntOrString) (amount int, ok bool) {
	if v == nil {
		return 0, true
	}
	if v.Type == intstr.Int {
		c.atLeast(path, int64(v.IntVal), 0)
		return int(v.IntVal), v.IntVal >= 0
	}
	if len(validation.IsValidPercent(v.StrVal)) > 0 || len(v.StrVal) > len("1000000%") {
		c.add(path, `%q is neither a number nor a percentage such as "25%%"`, v.StrVal)
		return 0, false
	}
	_, err := fmt.Sscanf(v.StrVal, "%d%%", &amount)
	return amount, err == nil
}

func (c *issues) pod(path string, p *corev1.PodSpec) {
	if p.RestartPolicy != corev1.RestartPolicyAlways {
		c.add(path+".restartPolicy", "%q: a Deployment's instances always restart; only Always is possible", p.RestartPolicy)
	}
	if p.TerminationGracePeriodSeconds != nil {
		c.atLeast(path+".terminationGracePeriodSeconds", *p.TerminationGracePeriodSeconds, 0)
	}
	if p.ActiveDeadlineSeconds != nil {
		c.add(path+".activeDeadlineSeconds", "is not possible in a Deployment")
	}
	if p.ServiceAccountName != "" {
		c.rule(path+".serviceAccountName", p.ServiceAccountName, validation.IsDNS1123Subdomain(p.ServiceAccountName))
	}
	volumes := c.volumes(path+".volumes", p.Volumes)
	if len(p.Containers) == 0 {
		c.add(path+".containers", "is missing; there must be at least one container")
	}
	names := map[string]bool{}
	for i := range p.InitContainers {
		c.container(item(path+".initContainers", i), &p.InitContainers[i], names, volumes)
	}
	for i := range p.Containers {
		c.container(item(path+".containers", i), &p.Containers[i], names, volumes)
	}
}
