package export

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon"
	"github.com/shopctl/shopctl/pkg/image"
	"github.com/shopctl/shopctl/pkg/kubernetes"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// The values of --mesh.
const (
	meshNone  = "none"
	meshIstio = "istio"
)

type kubernetesOptions struct {
	options
	stopped    func() (rundir.Dir, error)
	namespace  func() string
	executable string
	version    string

	image     string
	mesh      string
	otlp      string
	secrets   bool
	ephemeral bool
	monolith  bool
}

func newKubernetesCmd(f *cmdutil.Factory, version string) *cobra.Command {
	o := &kubernetesOptions{options: options{ios: f.IO, connect: f.Shop}, stopped: f.Dir, namespace: f.Namespace, executable: f.Executable, version: version, mesh: meshNone}
	cmd := &cobra.Command{
		Use:   "kubernetes",
		Short: "Write the objects of the shop as manifests for a Kubernetes cluster",
		Long: `Write the objects of all namespaces, your own among them, as plain YAML with a kustomization. The objects are those of
the running shop, or those that it would start with. Nothing of shopctl is needed in the cluster but its image, which
shopctl image build makes: all built-in services, the cart store too, run from it. Its name is the one that image build
gives it, unless --image says where you pushed it.

What does not go along is said: values of Secrets without --secrets, Istio's objects without --mesh istio, and
PrometheusRules. The daemon stays on this machine: shopctl's own traces, faults and lessons are not there in the
cluster; spans go where --otlp says, and metrics are served for a Prometheus that follows the annotations
prometheus.io/scrape.`,
		Example: `shopctl export kubernetes --dir shop
shopctl image build -o shopctl.tar && kind load image-archive shopctl.tar
kubectl apply --server-side -k shop
shopctl export kubernetes --image registry.example/team/shopctl:v1 --mesh istio --otlp http://collector.observability:4317`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.Flags().Changed("monolith"))
		},
	}
	o.add(cmd, "shopctl-kubernetes")
	flags := cmd.Flags()
	flags.StringVar(&o.image, "image", "", "`REFERENCE` of shopctl's image in the cluster (default: what shopctl image build names it)")
	flags.Var(&cmdutil.EnumFlag{Value: &o.mesh, Allowed: []string{meshNone, meshIstio}, Kind: "MESH"}, "mesh", "mesh of the cluster: none, istio")
	cmdutil.CompleteWords(cmd, "mesh", meshNone, meshIstio)
	flags.StringVar(&o.otlp, "otlp", "", "`URL` in the cluster that spans are sent to, OTLP over gRPC: http://HOST:4317")
	flags.BoolVar(&o.secrets, "secrets", false, "write the values of Secrets too, to a file that only you can read")
	flags.BoolVar(&o.ephemeral, "ephemeral", false, "claim no volumes: data is lost with its pod")
	flags.BoolVar(&o.monolith, "monolith", false, "of a stopped shop: as up --monolith starts it")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitEnvironment)
}

func (o *kubernetesOptions) run(ctx context.Context, asMonolith bool) error {
	if err := o.check(); err != nil {
		return err
	}
	objects, err := o.objects(ctx, asMonolith)
	if err != nil {
		return err
	}
	if o.image == "" {
		if o.image, err = o.built(); err != nil {
			return err
		}
	}
	made, err := kubernetes.New(objects, kubernetes.Options{
		Image: o.image, Istio: o.mesh == meshIstio, OTLP: o.otlp, Secrets: o.secrets, Ephemeral: o.ephemeral,
	})
	if err != nil {
		return err
	}
	files := make([]file, len(made.Files))
	for i, f := range made.Files {
		files[i] = file{f.Name, f.Content, f.Private}
	}
	if err := o.write(files, kubernetes.Directory); err != nil {
		return err
	}
	for _, w := range made.Warnings {
		o.ios.Warnf("%s", w)
	}
	o.ios.Notef("the image is %s: shopctl image build --tag %s -o shopctl.tar", o.image, o.image)
	o.ios.Notef("next: kubectl apply --server-side -k %s", filepath.Clean(o.dir))
	return nil
}

// check refuses flags that a cluster could not use.
func (o *kubernetesOptions) check() error {
	if o.image != "" {
		if err := image.CheckReference(o.image); err != nil {
			return cmdutil.UsageErr("--image registry.example/shopctl:v1", "read --image: %w", err)
		}
	}
	if o.otlp == "" {
		return nil
	}
	u, err := url.Parse(o.otlp)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return cmdutil.UsageErr("--otlp http://collector.observability:4317", "read --otlp: %q is not the URL of a receiver of OTLP over gRPC", o.otlp)
	}
	return nil
}

// objects are those of the running shop, or those that it would start with.
func (o *kubernetesOptions) objects(ctx context.Context, asMonolith bool) ([]resource.Object, error) {
	shop, err := o.connect(ctx)
	if errors.Is(err, control.ErrNotRunning) {
		dir, err := o.stopped()
		if err != nil {
			return nil, err
		}
		o.ios.Notef("shop %s is not running: these are the objects that it would start with", dir.Name)
		return daemon.Configured(dir, o.namespace(), o.monolith)
	}
	if err != nil {
		return nil, err
	}
	defer shop.Close()
	if asMonolith {
		return nil, cmdutil.UsageErr("shopctl export kubernetes", "--monolith is for a stopped shop; shop %s is running, as it is", o.ios.ShopName)
	}
	var all []resource.Object
	for _, kind := range resource.Kinds() {
		request := &controlpb.GetRequest{Kind: kind.Name}
		if kind.Namespaced {
			request.Namespace = "*"
		}
		resp, err := shop.Get(ctx, request)
		if err != nil {
			return nil, err
		}
		for _, object := range resp.GetObjects() {
			decoded, err := resource.FromJSON(object.GetKind(), object.GetJson())
			if err != nil {
				return nil, fmt.Errorf("read %s/%s: %w", kind.Singular(), object.GetName(), err)
			}
			all = append(all, decoded)
		}
	}
	return all, nil
}

// built is the name that image build gives the image of this binary.
func (o *kubernetesOptions) built() (string, error) {
	p := image.Platform{OS: "linux", Arch: runtime.GOARCH}
	path := image.Beside(o.executable, p)
	if err := image.Check(path, p); err != nil {
		return "", cmdutil.HintErr(cmdutil.ExitEnvironment, "name the image: --image registry.example/shopctl:v1", fmt.Errorf("name the image: %w", err))
	}
	made, err := image.Build(o.version, image.Binary{Platform: p, Path: path})
	if err != nil {
		return "", err
	}
	return made.Reference("")
}
