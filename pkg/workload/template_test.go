package workload

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

func TestExpandReplacesKnownVariablesOnly(t *testing.T) {
	values := map[string]string{"A": "1", "B": "two words"}
	for in, want := range map[string]string{
		"plain": "plain", "$(A)": "1", "x$(A)$(B)y": "x1two wordsy", "$(C)": "$(C)", "$$(A)": "$(A)",
		"$A": "$A", "$": "$", "$(A": "$(A", "$$": "$", "": "",
	} {
		if got := expand(in, values); got != want {
			t.Errorf("expand(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAValueThatNamesAServiceIsRewrittenToItsStableAddress(t *testing.T) {
	r := &resolver{addrs: map[servicePort]string{
		{orchestrator.Key{Namespace: ns, Name: "cart"}, 7070}: "127.0.0.1:4000", {orchestrator.Key{Namespace: "other", Name: "cart"}, 80}: "127.0.0.1:4001",
	}}
	for in, want := range map[string]string{
		"cart:7070": "127.0.0.1:4000", "http://cart:7070": "http://127.0.0.1:4000", "redis://cart:7070/0": "redis://127.0.0.1:4000/0",
		"cart.production:7070": "127.0.0.1:4000", "cart.production.svc.cluster.local:7070": "127.0.0.1:4000",
		"http://cart.other/path": "http://127.0.0.1:4001/path", "cart.other.svc:80": "127.0.0.1:4001",
		"cart:99999": "cart:99999", "cart": "cart", "example.com:80": "example.com:80", "cart:7070 x": "cart:7070 x", "7070": "7070",
	} {
		if got, _, _ := r.rewrite(in, ns); got != want {
			t.Errorf("rewrite(%q) = %q, want %q", in, got, want)
		}
	}
	if _, _, warning := r.rewrite("cart:7071", ns); warning != "service cart has no port 7071, but 7070" {
		t.Errorf("warning %q", warning)
	}
}

// template is a Deployment with one container that f fills in.
func template(f func(*corev1.PodSpec, *corev1.Container)) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: ns}}
	d.Spec.Template.Labels = map[string]string{"app": "app", "version": "v9"}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "c", Image: "app:v1"}}
	f(&d.Spec.Template.Spec, &d.Spec.Template.Spec.Containers[0])
	return d
}

func resolve(t *testing.T, objects Objects, d *appsv1.Deployment) *revision {
	t.Helper()
	cfg := Config{Builtin: func(string) (string, string, bool) { return "", "", false }}.withDefaults()
	r := &resolver{cfg: &cfg, objects: objects, images: Images{Commands: map[string][]string{"app": {"./app"}}, Dir: "/project"}}
	return r.resolve(d)
}

func TestEnvironmentComesFromAllItsSourcesInOrder(t *testing.T) {
	yes := true
	name := func(n string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: n} }
	objects := Objects{
		ConfigMaps: map[orchestrator.Key]*corev1.ConfigMap{{Namespace: ns, Name: "cm"}: {Data: map[string]string{"LEVEL": "info", "COLOR": "red"}}},
		Secrets:    map[orchestrator.Key]*corev1.Secret{{Namespace: ns, Name: "s"}: {Data: map[string][]byte{"password": []byte("pw")}}},
	}
	rev := resolve(t, objects, template(func(_ *corev1.PodSpec, c *corev1.Container) {
		c.EnvFrom = []corev1.EnvFromSource{
			{Prefix: "CM_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: name("cm")}},
			{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: name("missing"), Optional: &yes}},
		}
		c.Resources.Limits = corev1.ResourceList{"memory": resource.MustParse("64Mi")}
		c.Env = []corev1.EnvVar{
			{Name: "A", Value: "a-$(CM_LEVEL)"},
			{Name: "PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: name("s"), Key: "password"}}},
			{Name: "POD", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
			{Name: "NS", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}},
			{Name: "VERSION", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['version']"}}},
			{Name: "MEMORY", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory", Divisor: resource.MustParse("1Mi")}}},
			{Name: "NONE", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: name("cm"), Key: "missing", Optional: &yes}}},
			{Name: "PORT", Value: "3550"},
			{Name: "A", Value: "again"},
		}
		c.Args = []string{"--pod=$(POD)", "--port=$(PORT)", "--unknown=$(X)"}
	}))
	if rev.err != nil {
		t.Fatal(rev.err)
	}
	spec := rev.spec("app-1", orchestrator.Key{Namespace: ns, Name: "app"}, 4711, "", []string{"PATH=/bin"})
	want := []string{"PATH=/bin", "CM_COLOR=red", "CM_LEVEL=info", "A=again", "PASSWORD=pw", "POD=app-1", "NS=production", "VERSION=v9", "MEMORY=64"}
	if !slices.Equal(spec.Env, want) {
		t.Errorf("env  %q\nwant %q", spec.Env, want)
	}
	if want := []string{"./app", "--pod=app-1", "--port=4711", "--unknown=$(X)"}; !slices.Equal(spec.Command, want) || spec.Dir != "/project" {
		t.Errorf("command %q in %s", spec.Command, spec.Dir)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	for want, f := range map[string]func(*corev1.Container){
		`env A: configmap "cm" not found`: func(c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}, Key: "k"}}}}
		},
		`env A: secret "s" has no key "k"`: func(c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "k"}}}}
		},
		`volume "v" is mounted but not declared`: func(c *corev1.Container) {
			c.VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/v"}}
		},
	} {
		rev := resolve(t, Objects{Secrets: map[orchestrator.Key]*corev1.Secret{{Namespace: ns, Name: "s"}: {}}}, template(func(_ *corev1.PodSpec, c *corev1.Container) { f(c) }))
		if rev.err == nil || rev.err.Error() != want {
			t.Errorf("got %v, want %s", rev.err, want)
		}
	}
}

func TestVolumesBecomeDirectoriesAndPathsLeadThere(t *testing.T) {
	objects := Objects{ConfigMaps: map[orchestrator.Key]*corev1.ConfigMap{{Namespace: ns, Name: "cm"}: {Data: map[string]string{"app.yaml": "level: info"}}}}
	rev := resolve(t, objects, template(func(p *corev1.PodSpec, c *corev1.Container) {
		p.Volumes = []corev1.Volume{
			{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}}}},
			{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		}
		c.VolumeMounts = []corev1.VolumeMount{{Name: "config", MountPath: "/etc/app"}, {Name: "tmp", MountPath: "/scratch"}}
		c.Args = []string{"--config=/etc/app/app.yaml", "/etc/apple", "/scratch"}
		c.Env = []corev1.EnvVar{{Name: "FILES", Value: "/etc/app/app.yaml:/other"}}
	}))
	if rev.err != nil {
		t.Fatal(rev.err)
	}
	dir := t.TempDir()
	if err := materialise(dir, rev.volumes, "app-1"); err != nil {
		t.Fatal(err)
	}
	spec := rev.spec("app-1", orchestrator.Key{Namespace: ns, Name: "app"}, 1, dir, nil)
	file := strings.TrimPrefix(spec.Command[1], "--config=")
	if text, err := os.ReadFile(file); err != nil || string(text) != "level: info" {
		t.Errorf("%s: %q %v", file, text, err)
	}
	if spec.Command[2] != "/etc/apple" || spec.Command[3] != filepath.Join(dir, "tmp") || spec.Env[0] != "FILES="+file+":/other" {
		t.Errorf("command %q, env %q", spec.Command, spec.Env)
	}
}

func TestTheMostExactImageNameWins(t *testing.T) {
	im := Images{Commands: map[string][]string{"app": {"any"}, "app:v2": {"two"}, "example/app:v3": {"three"}}}
	none := func(string) (string, string, bool) { return "", "", false }
	for image, want := range map[string]string{"example/app:v1": "any", "app:v2": "two", "registry/x/app:v2": "two", "example/app:v3": "three", "app@sha256:00": "any"} {
		p, err := im.program(none, image, nil, nil)
		if err != nil || p.command[0] != want {
			t.Errorf("%s: %v %v, want %s", image, p.command, err, want)
		}
	}
	var unknown *UnknownImageError
	if _, err := im.program(none, "other", nil, nil); !errors.As(err, &unknown) {
		t.Errorf("other: %v", err)
	}
	if p, err := im.program(none, "other", []string{"./x"}, []string{"-v"}); err != nil || !slices.Equal(p.command, []string{"./x", "-v"}) {
		t.Errorf("with a command: %v %v", p, err)
	}
}

func TestAProtocolIsReadFromThePortElseFromTheProbes(t *testing.T) {
	grpcProbe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 1}}}
	httpProbe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{}}}
	app := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		port  corev1.ServicePort
		probe *corev1.Probe
		want  string
	}{
		"name":                {corev1.ServicePort{Name: "grpc"}, nil, "grpc"},
		"name with a suffix":  {corev1.ServicePort{Name: "http-web"}, grpcProbe, "http"},
		"app protocol":        {corev1.ServicePort{Name: "http", AppProtocol: app("grpc")}, nil, "grpc"},
		"a store":             {corev1.ServicePort{Name: "redis"}, nil, "tcp"},
		"no name, grpc probe": {corev1.ServicePort{}, grpcProbe, "grpc"},
		"own name, http":      {corev1.ServicePort{Name: "main"}, httpProbe, "http"},
		"nothing tells":       {corev1.ServicePort{Name: "main"}, nil, ""},
	} {
		if got := protocolOf(c.port, []corev1.Container{{ReadinessProbe: c.probe}}); got != c.want {
			t.Errorf("%s: protocol %q, want %q", name, got, c.want)
		}
	}
}
