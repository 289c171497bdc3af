package decode

import (
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// enum returns the words that a type of string may hold; nil for one that may hold any.
func enum(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[appsv1.DeploymentStrategyType]():
		return words(appsv1.RollingUpdateDeploymentStrategyType, appsv1.RecreateDeploymentStrategyType)
	case reflect.TypeFor[corev1.PullPolicy]():
		return words(corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever)
	case reflect.TypeFor[corev1.Protocol]():
		return words(corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP)
	case reflect.TypeFor[corev1.RestartPolicy]():
		return words(corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever)
	case reflect.TypeFor[corev1.URIScheme]():
		return words(corev1.URISchemeHTTP, corev1.URISchemeHTTPS)
	case reflect.TypeFor[corev1.TerminationMessagePolicy]():
		return words(corev1.TerminationMessageReadFile, corev1.TerminationMessageFallbackToLogsOnError)
	case reflect.TypeFor[corev1.DNSPolicy]():
		return words(corev1.DNSClusterFirst, corev1.DNSClusterFirstWithHostNet, corev1.DNSDefault, corev1.DNSNone)
	case reflect.TypeFor[corev1.PreemptionPolicy]():
		return words(corev1.PreemptLowerPriority, corev1.PreemptNever)
	case reflect.TypeFor[corev1.MountPropagationMode]():
		return words(corev1.MountPropagationNone, corev1.MountPropagationHostToContainer, corev1.MountPropagationBidirectional)
	case reflect.TypeFor[corev1.TolerationOperator]():
		return words(corev1.TolerationOpEqual, corev1.TolerationOpExists)
	case reflect.TypeFor[corev1.TaintEffect]():
		return words(corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute)
	case reflect.TypeFor[corev1.NodeSelectorOperator]():
		return words(corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists,
			corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt)
	case reflect.TypeFor[corev1.UnsatisfiableConstraintAction]():
		return words(corev1.DoNotSchedule, corev1.ScheduleAnyway)
	case reflect.TypeFor[metav1.LabelSelectorOperator]():
		return words(metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist)
	}
	return serviceEnum(t)
}

func serviceEnum(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[corev1.ServiceType]():
		return words(corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeExternalName)
	case reflect.TypeFor[corev1.ServiceAffinity]():
		return words(corev1.ServiceAffinityNone, corev1.ServiceAffinityClientIP)
	case reflect.TypeFor[corev1.ServiceExternalTrafficPolicy]():
		return words(corev1.ServiceExternalTrafficPolicyCluster, corev1.ServiceExternalTrafficPolicyLocal)
	case reflect.TypeFor[corev1.ServiceInternalTrafficPolicy]():
		return words(corev1.ServiceInternalTrafficPolicyCluster, corev1.ServiceInternalTrafficPolicyLocal)
	case reflect.TypeFor[corev1.IPFamily]():
		return words(corev1.IPv4Protocol, corev1.IPv6Protocol)
	case reflect.TypeFor[corev1.IPFamilyPolicy]():
		return words(corev1.IPFamilyPolicySingleStack, corev1.IPFamilyPolicyPreferDualStack, corev1.IPFamilyPolicyRequireDualStack)
	}
	return nil
}

func words[T ~string](values ...T) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}
