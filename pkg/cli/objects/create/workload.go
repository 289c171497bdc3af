package create

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/resource"
)

func newDeploymentCmd(f *cmdutil.Factory) *cobra.Command {
	var images, command []string
	var replicas, port int32
	cmd := &cobra.Command{
		Use:     "deployment NAME --image IMAGE [-- COMMAND ARG...]",
		Aliases: []string{"deploy"},
		Short:   "Create a Deployment",
		Example: "shopctl create deployment web --image web --port 8080\nshopctl create deployment web --image web --dry-run=client -o yaml > web.yaml",
		Args: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); at >= 0 {
				command, args = args[at:], args[:at]
			} else if len(args) > 1 {
				command, args = args[1:], args[:1]
			}
			return named(args)
		},
	}
	cmd.Flags().StringSliceVar(&images, "image", nil, "`IMAGE` of a container; can be repeated")
	cmd.Flags().Int32VarP(&replicas, "replicas", "r", 1, "`NUMBER` of instances")
	cmd.Flags().Int32Var(&port, "port", 0, "`PORT` that the first container listens on")
	cmdutil.LimitNumber(cmd, "port", 1, 65535, "8080")
	cmdutil.LimitNumber(cmd, "replicas", 0, 100, "3")
	return generator(f, cmd, func(name string) (resource.Object, []string, error) {
		switch {
		case len(images) == 0:
			return nil, nil, cmdutil.UsageErr("--image IMAGE", `missing flag: required flag(s) "image" not set`)
		case len(images) > 1 && len(command) > 0:
			return nil, nil, cmdutil.UsageErr("leave out one of them", "cannot specify multiple --image options and command")
		}
		labels := map[string]string{"app": name}
		d := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
			Spec: appsv1.DeploymentSpec{
				Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}},
			},
		}
		used := map[string]int{}
		for _, image := range images {
			c := corev1.Container{Name: containerName(image), Image: image, Command: command}
			if used[c.Name]++; used[c.Name] > 1 {
				c.Name += "-" + strconv.Itoa(used[c.Name])
			}
			d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, c)
		}
		if port > 0 {
			d.Spec.Template.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: port}}
		}
		return d, nil, nil
	})
}

// containerName is the last part of an image, without a tag or a digest.
func containerName(image string) string {
	name := image[strings.LastIndex(image, "/")+1:]
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	return strings.NewReplacer("_", "-", ".", "-").Replace(name)
}

func newServiceCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{Use: "service", Aliases: []string{"svc"}, Short: "Create a Service for the instances labeled app=NAME"}
	return cmdutil.Group(cmd,
		newServiceTypeCmd(f, corev1.ServiceTypeClusterIP), newServiceTypeCmd(f, corev1.ServiceTypeNodePort),
		newServiceTypeCmd(f, corev1.ServiceTypeLoadBalancer), newServiceTypeCmd(f, corev1.ServiceTypeExternalName))
}

func newServiceTypeCmd(f *cmdutil.Factory, kind corev1.ServiceType) *cobra.Command {
	var tcp []string
	var nodePort int32
	clusterIP, external := "", ""
	word := strings.ToLower(string(kind))
	cmd := &cobra.Command{Use: word + " NAME --tcp PORT[:TARGET]", Short: fmt.Sprintf("Create a Service of type %s", kind), Example: "shopctl create service " + word + " web --tcp 80:8080"}
	cmd.Flags().StringSliceVar(&tcp, "tcp", nil, "`PORT[:TARGET]` of the Service and of the instances; can be repeated")
	switch kind {
	case corev1.ServiceTypeClusterIP:
		cmd.Flags().StringVar(&clusterIP, "clusterip", "", "`ADDRESS` of the Service, or None for one without")
	case corev1.ServiceTypeNodePort:
		cmd.Flags().Int32Var(&nodePort, "node-port", 0, "`PORT` of the machine")
		cmdutil.LimitNumber(cmd, "node-port", 1, 65535, "30080")
	case corev1.ServiceTypeExternalName:
		cmd.Use, cmd.Example = word+" NAME --external-name HOST", "shopctl create service externalname db --external-name db.example.com"
		cmd.Flags().StringVar(&external, "external-name", "", "`HOST` that the Service leads to")
	}
	return generator(f, cmd, func(name string) (resource.Object, []string, error) {
		switch {
		case kind == corev1.ServiceTypeExternalName && external == "":
			return nil, nil, cmdutil.UsageErr("--external-name HOST", `missing flag: required flag(s) "external-name" not set`)
		case len(tcp) == 0 && kind != corev1.ServiceTypeExternalName && clusterIP != corev1.ClusterIPNone:
			return nil, nil, cmdutil.UsageErr("--tcp 80:8080", "missing flag: at least one tcp port specifier must be provided")
		}
		labels := map[string]string{"app": name}
		s := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
			Spec:       corev1.ServiceSpec{Type: kind, Selector: labels, ClusterIP: clusterIP, ExternalName: external},
		}
		for _, text := range tcp {
			port, target, err := parsePort(text)
			if err != nil {
				return nil, nil, err
			}
			name := strings.ReplaceAll(text, ":", "-")
			s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: name, Port: port, TargetPort: target, Protocol: corev1.ProtocolTCP, NodePort: nodePort})
		}
		return s, nil, nil
	})
}

// parsePort reads PORT[:TARGET]; the target is a number or a name.
func parsePort(text string) (int32, intstr.IntOrString, error) {
	number, word, ok := strings.Cut(text, ":")
	port, err := strconv.ParseInt(number, 10, 32)
	if err != nil || len(validation.IsValidPortNum(int(port))) > 0 {
		return 0, intstr.IntOrString{}, cmdutil.UsageErr("--tcp 80:8080", "read --tcp %q: want PORT[:TARGET], with a port from 1 to 65535", text)
	}
	if !ok {
		return int32(port), intstr.FromInt32(int32(port)), nil
	}
	target := intstr.Parse(word)
	if target.Type == intstr.Int && len(validation.IsValidPortNum(target.IntValue())) > 0 || target.Type == intstr.String && len(validation.IsValidPortName(word)) > 0 {
		return 0, intstr.IntOrString{}, cmdutil.UsageErr("--tcp 80:8080", "read --tcp %q: want a target port from 1 to 65535, or the name of one", text)
	}
	return int32(port), target, nil
}
