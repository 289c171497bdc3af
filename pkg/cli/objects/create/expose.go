package create

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
)

// exposure is a command expose: which Service it makes.
type exposure struct {
	*options
	name, protocol, kind, target, clusterIP, affinity string
	port                                              int32
	selector, labels                                  map[string]string
}

// NewExposeCmd returns the command expose. complete completes the names of objects.
func NewExposeCmd(f *cmdutil.Factory, complete cobra.CompletionFunc) *cobra.Command {
	x := &exposure{options: newOptions(f, "exposed")}
	cmd := &cobra.Command{
		Use:   "expose KIND NAME [--port PORT]",
		Short: "Create a Service for a Deployment, a pod or another Service",
		Long: `Create a Service that leads to the instances of a Deployment, a pod or another Service. Its name, selector, labels and
ports are those of the object, unless flags give others.

kubectl's --name is --service-name here: --name is the shop's.`,
		Example:           "shopctl expose deployment web --port 80 --target-port 8080\nshopctl expose deployment/cartservice --service-name cart-v2",
		Args:              cmdutil.AtLeast(1, "KIND NAME"),
		ValidArgsFunction: complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := x.run(cmd.Context(), args)
			if shop := cmd.Flag("name"); errors.Is(err, control.ErrNotRunning) && shop.Changed {
				return cmdutil.HintErr(cmdutil.ExitNotRunning, "--service-name "+shop.Value.String()+" names the Service; --name is the shop's", err)
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&x.name, "service-name", "", "`NAME` of the Service (default that of the object)")
	flags.Int32Var(&x.port, "port", 0, "`PORT` of the Service (default those of the object)")
	flags.StringVar(&x.target, "target-port", "", "`PORT` of the instances, a number or a name (default that of the Service)")
	flags.StringVar(&x.protocol, "protocol", "", "`PROTOCOL` of the ports (default TCP)")
	flags.StringVar(&x.kind, "type", "", "`TYPE` of the Service: ClusterIP, NodePort, LoadBalancer")
	flags.StringVar(&x.clusterIP, "cluster-ip", "", "`ADDRESS` of the Service, or None for one without")
	flags.StringVar(&x.affinity, "session-affinity", "", "`AFFINITY` of callers: None, ClientIP")
	flags.StringToStringVar(&x.selector, "selector", nil, "`LABELS` of the instances: app=web,version=v1")
	flags.StringToStringVarP(&x.labels, "labels", "l", nil, "`LABELS` of the Service")
	cmdutil.LimitNumber(cmd, "port", 1, 65535, "80")
	cmdutil.CompleteWords(cmd, "type", "ClusterIP", "NodePort", "LoadBalancer")
	cmdutil.CompleteWords(cmd, "session-affinity", "None", "ClientIP")
	cmdutil.CompleteWords(cmd, "protocol", "TCP", "UDP")
	return x.add(cmd)
}

func (x *exposure) run(ctx context.Context, args []string) error {
	refs, err := find.Refs(args)
	if err != nil {
		return err
	}
	shop, done, err := x.connect(ctx, nil)
	if err != nil {
		return err
	}
	defer done()
	var services []resource.Object
	for _, ref := range refs {
		if len(ref.Names) == 0 {
			return cmdutil.UsageErr("shopctl get "+ref.Kind.Plural, "missing argument: the name of a %s", ref.Kind.Singular())
		}
		for _, name := range ref.Names {
			found, err := ref.Kind.Get(ctx, shop, find.Query{Namespace: x.namespace(), Names: []string{name}})
			if err != nil {
				return err
			}
			service, err := x.service(found[0])
			if err != nil {
				return err
			}
			services = append(services, service)
		}
	}
	return x.create(ctx, nil, services...)
}

// exposed is what a Service needs to know of an object.
type exposed struct {
	selector map[string]string
	ports    []corev1.ServicePort
}

func exposedBy(object resource.Object) (exposed, error) {
	var e exposed
	containers := func(all []corev1.Container) {
		for _, c := range all {
			for _, p := range c.Ports {
				e.ports = append(e.ports, corev1.ServicePort{Port: p.ContainerPort, Protocol: p.Protocol})
			}
		}
	}
	switch o := object.(type) {
	case *appsv1.Deployment:
		if len(o.Spec.Selector.MatchExpressions) > 0 {
			return e, cmdutil.UsageErr("--selector app=web", "expose deployment/%s: its selector has matchExpressions, which a Service cannot have", o.Name)
		}
		e.selector = o.Spec.Selector.MatchLabels
		containers(o.Spec.Template.Spec.Containers)
	case *corev1.Pod:
		e.selector = o.Labels
		containers(o.Spec.Containers)
	case *corev1.Service:
		e.selector = o.Spec.Selector
		for _, p := range o.Spec.Ports {
			e.ports = append(e.ports, corev1.ServicePort{Port: p.Port, Protocol: p.Protocol})
		}
	default:
		return e, cmdutil.UsageErr("shopctl expose deployment NAME", "cannot expose a %s", object.GetObjectKind().GroupVersionKind().Kind)
	}
	return e, nil
}

// service is the Service for an object.
func (x *exposure) service(object resource.Object) (resource.Object, error) {
	from, err := exposedBy(object)
	if err != nil {
		return nil, err
	}
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: object.GetName(), Namespace: object.GetNamespace(), Labels: maps.Clone(object.GetLabels())}}
	if x.name != "" {
		s.Name = x.name
	}
	if len(x.labels) > 0 {
		s.Labels = x.labels
	}
	s.Spec.Selector = from.selector
	if len(x.selector) > 0 {
		s.Spec.Selector = x.selector
	}
	if len(s.Spec.Selector) == 0 {
		return nil, cmdutil.UsageErr("--selector app="+s.Name, "couldn't retrieve selectors via --selector flag or introspection: %s selects nothing", object.GetName())
	}
	s.Spec.Type, s.Spec.ClusterIP, s.Spec.SessionAffinity = corev1.ServiceType(x.kind), x.clusterIP, corev1.ServiceAffinity(x.affinity)
	if s.Spec.Ports, err = x.ports(from.ports); err != nil {
		return nil, err
	}
	return s, nil
}

// ports are those of the Service: that of --port, or all of the object.
func (x *exposure) ports(of []corev1.ServicePort) ([]corev1.ServicePort, error) {
	ports := of
	if x.port > 0 {
		ports = []corev1.ServicePort{{Port: x.port}}
		for _, p := range of {
			if p.Port == x.port {
				ports[0].Protocol = p.Protocol
			}
		}
	}
	if len(ports) == 0 && x.clusterIP != corev1.ClusterIPNone {
		return nil, cmdutil.UsageErr("--port 80", "couldn't find port via --port flag or introspection")
	}
	for i := range ports {
		p := &ports[i]
		if len(ports) > 1 {
			p.Name = "port-" + strconv.Itoa(i+1)
		}
		if x.protocol != "" {
			p.Protocol = corev1.Protocol(strings.ToUpper(x.protocol))
		}
		p.TargetPort = intstr.FromInt32(p.Port)
		if x.target != "" {
			if p.TargetPort = intstr.Parse(x.target); p.TargetPort.Type == intstr.Int && (p.TargetPort.IntVal < 1 || p.TargetPort.IntVal > 65535) {
				return nil, cmdutil.UsageErr("--target-port 8080", "read --target-port %q: %w", x.target, fmt.Errorf("want 1 to 65535, or the name of a port"))
			}
		}
	}
	return ports, nil
}
