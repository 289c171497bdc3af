package podspec

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

const ns = "production"

func TestExpandReplacesKnownVariablesOnly(t *testing.T) {
	values := map[string]string{"A": "1", "B": "two words"}
	for in, want := range map[string]string{
		"plain": "plain", "$(A)": "1", "x$(A)$(B)y": "x1two wordsy", "$(C)": "$(C)", "$$(A)": "$(A)",
		"$A": "$A", "$": "$", "$(A": "$(A", "$$": "$", "": "",
	} {
		if got := Expand(in, values); got != want {
			t.Errorf("expand(%q) = %q, want %q", in, got, want)
		}
	}
}

func port(namespace, name string, number int32) Reference {
	return Reference{orchestrator.Key{Namespace: namespace, Name: name}, number}
}

func TestAValueThatNamesAServiceGetsItsAddressWhenAPodStarts(t *testing.T) {
	r := &Resolver{Ports: map[Reference]bool{port(ns, "cart", 7070): true, port("other", "cart", 80): true}}
	addrs := map[Reference]string{port(ns, "cart", 7070): "127.0.0.1:4000", port("other", "cart", 80): "127.0.0.1:4001"}
	for in, want := range map[string]string{
		"cart:7070": "127.0.0.1:4000", "http://cart:7070": "http://127.0.0.1:4000", "redis://cart:7070/0": "redis://127.0.0.1:4000/0",
		"cart.production:7070": "127.0.0.1:4000", "cart.production.svc.cluster.local:7070": "127.0.0.1:4000",
		"http://cart.other/path": "http://127.0.0.1:4001/path", "cart.other.svc:80": "127.0.0.1:4001",
		"cart:99999": "cart:99999", "cart": "cart", "example.com:80": "example.com:80", "cart:7070 x": "cart:7070 x", "7070": "7070",
	} {
		got := r.Resolve(template(func(_ *corev1.PodSpec, c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "A", Value: in}}
		}))
		pod := got.Fill("app-1", func(_ string, ref Reference) string { return addrs[ref] })
		if env := pod.Containers[0].Env; !slices.Equal(env, []string{"A=" + want}) {
			t.Errorf("%q becomes %q, want %q", in, env, want)
		}
	}
	got := r.Resolve(template(func(_ *corev1.PodSpec, c *corev1.Container) {
		c.Env = []corev1.EnvVar{{Name: "A", Value: "cart:7071"}}
	}))
	if want := []string{"env A: service cart has no port 7071, but 7070"}; !slices.Equal(got.Warnings, want) {
		t.Errorf("warnings %q", got.Warnings)
	}
}

func TestEachPodOfATemplateCanGetItsOwnAddressForAService(t *testing.T) {
	r := &Resolver{Ports: map[Reference]bool{port(ns, "cart", 7070): true}}
	got := r.Resolve(template(func(_ *corev1.PodSpec, c *corev1.Container) {
		c.Env = []corev1.EnvVar{{Name: "CART", Value: "cart:7070"}}
	}))
	for _, addr := range []string{"127.0.0.1:1", "127.0.0.1:2"} {
		pod := got.Fill("app", func(container string, ref Reference) string {
			if container != "c" || ref != port(ns, "cart", 7070) {
				t.Errorf("asked for %s of %s", ref.Service, container)
			}
			return addr
		})
		if env := pod.Containers[0].Env; !slices.Equal(env, []string{"CART=" + addr}) {
			t.Errorf("env %q", env)
		}
	}
	if want := []string{"c.CART=production/cart:7070"}; !slices.Equal(got.Pinned, want) || len(got.Services()) != 1 {
		t.Errorf("pinned %q, services %v", got.Pinned, got.Services())
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

func TestEnvironmentComesFromAllItsSourcesInOrder(t *testing.T) {
	yes := true
	name := func(n string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: n} }
	r := &Resolver{
		ConfigMaps: map[orchestrator.Key]*corev1.ConfigMap{{Namespace: ns, Name: "cm"}: {Data: map[string]string{"LEVEL": "info", "COLOR": "red"}}},
		Secrets:    map[orchestrator.Key]*corev1.Secret{{Namespace: ns, Name: "s"}: {Data: map[string][]byte{"password": []byte("pw")}}},
	}
	got := r.Resolve(template(func(_ *corev1.PodSpec, c *corev1.Container) {
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
			{Name: "IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
			{Name: "NODE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}},
			{Name: "NODE_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.hostIP"}}},
			{Name: "VERSION", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['version']"}}},
			{Name: "MEMORY", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory", Divisor: resource.MustParse("1Mi")}}},
			{Name: "NONE", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: name("cm"), Key: "missing", Optional: &yes}}},
			{Name: "PORT", Value: "3550"},
			{Name: "A", Value: "again"},
		}
		c.Args = []string{"--pod=$(POD)", "--port=$(PORT)", "--unknown=$(X)"}
	}))
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	pod := got.Fill("app-1", nil)
	c := pod.Containers[0]
	for i, kv := range c.Env {
		c.Env[i] = Place{PodIP: "10.0.0.7", Node: "node-1", NodeIP: "192.168.0.1"}.Fill(kv) // as a driver does
	}
	want := []string{"CM_COLOR=red", "CM_LEVEL=info", "A=again", "PASSWORD=pw", "POD=app-1", "NS=production", "IP=10.0.0.7", "NODE=node-1", "NODE_IP=192.168.0.1", "VERSION=v9", "MEMORY=64"}
	if !slices.Equal(c.Env, want) {
		t.Errorf("env  %q\nwant %q", c.Env, want)
	}
	c.Args[1] = FillPort(c.Args[1], "4711")
	if want := []string{"--pod=app-1", "--port=4711", "--unknown=$(X)"}; !slices.Equal(c.Args, want) {
		t.Errorf("args %q", c.Args)
	}
	if pod.Version != "v9" || pod.ServiceAccount != "default" || c.Resources.Limits.Memory().String() != "64Mi" {
		t.Errorf("pod %+v", pod)
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
		got := (&Resolver{Secrets: map[orchestrator.Key]*corev1.Secret{{Namespace: ns, Name: "s"}: {}}}).Resolve(template(func(_ *corev1.PodSpec, c *corev1.Container) { f(c) }))
		if got.Err == nil || got.Err.Error() != want {
			t.Errorf("got %v, want %s", got.Err, want)
		}
	}
}

func TestInitContainersAndSidecarsAreDistinguished(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	got := (&Resolver{}).Resolve(template(func(p *corev1.PodSpec, _ *corev1.Container) {
		p.InitContainers = []corev1.Container{
			{Name: "setup", Image: "setup", Ports: []corev1.ContainerPort{{ContainerPort: 1}}},
			{Name: "proxy", Image: "proxy", RestartPolicy: &always, Ports: []corev1.ContainerPort{{ContainerPort: 15001}}},
		}
		p.Containers = append(p.Containers, corev1.Container{Name: "tail", Image: "busybox"})
	}))
	var found []string
	for _, c := range got.Pod.All() {
		word := c.Name
		if c.Sidecar {
			word += " sidecar"
		}
		if c.Listens {
			word += " listens"
		}
		found = append(found, word)
	}
	if want := []string{"setup", "proxy sidecar listens", "c listens", "tail"}; !slices.Equal(found, want) {
		t.Errorf("containers %q, want %q", found, want)
	}
}

func TestAnAddressOfThePodsOwnNetworkIsFilledWhereAContainerDeclaresThePort(t *testing.T) {
	got := (&Resolver{}).Resolve(template(func(p *corev1.PodSpec, c *corev1.Container) {
		c.Args = []string{"--upstream=http://localhost:8080/x", "127.0.0.1:80801"}
		c.Env = []corev1.EnvVar{{Name: "A", Value: "localhost:8080,127.0.0.1:9"}, {Name: "B", Value: "notlocalhost:8080"}}
		p.Containers = append(p.Containers, corev1.Container{Name: "web", Ports: []corev1.ContainerPort{{ContainerPort: 8080}}})
	}))
	c := got.Fill("app", nil).Containers[0]
	for address, want := range map[string]string{
		"":            "--upstream=http://localhost:8080/x 127.0.0.1:80801 A=localhost:8080,127.0.0.1:9 B=notlocalhost:8080",
		"127.0.0.1:5": "--upstream=http://127.0.0.1:5/x 127.0.0.1:80801 A=127.0.0.1:5,127.0.0.1:9 B=notlocalhost:8080",
	} {
		text := FillSiblings(strings.Join(slices.Concat(c.Args, c.Env), " "), func(number string) string {
			if number != "8080" {
				t.Errorf("port %s was asked for", number)
			}
			return address
		})
		if text != want {
			t.Errorf("got  %s\nwant %s", text, want)
		}
	}
	if got := StrayLocalhost(c.Env[0]); !slices.Equal(got, []string{"9"}) {
		t.Errorf("stray ports %v", got)
	}
}

func TestThePodsNameIsFilledIntoFilesToo(t *testing.T) {
	got := (&Resolver{}).Resolve(template(func(p *corev1.PodSpec, c *corev1.Container) {
		p.Volumes = []corev1.Volume{{Name: "info", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
			Items: []corev1.DownwardAPIVolumeFile{{Path: "name", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
		}}}, {Name: "scratch"}}
		c.VolumeMounts = []corev1.VolumeMount{{Name: "info", MountPath: "/info"}, {Name: "scratch", MountPath: "/tmp/x"}}
	}))
	pod := got.Fill("app-1", nil)
	if string(pod.Volumes[0].Files["name"]) != "app-1" || pod.Volumes[1].Files != nil {
		t.Errorf("volumes %+v", pod.Volumes)
	}
}

func TestARequestThatIsNotWrittenIsTheLimit(t *testing.T) {
	got := new(Resolver).Resolve(template(func(_ *corev1.PodSpec, c *corev1.Container) {
		c.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")}
		c.Env = []corev1.EnvVar{{Name: "CPU", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "requests.cpu"}}}}
	}))
	if env := got.Pod.Containers[0].Env; got.Err != nil || !slices.Equal(env, []string{"CPU=2"}) {
		t.Errorf("env %q, error %v", env, got.Err)
	}
}

func TestAnImpossibleGracePeriodIsMadePossible(t *testing.T) {
	for seconds, want := range map[int64]time.Duration{-1: time.Second, 0: 0, 5: 5 * time.Second, math.MaxInt64: maxGrace} {
		got := new(Resolver).Resolve(template(func(p *corev1.PodSpec, _ *corev1.Container) {
			p.TerminationGracePeriodSeconds = &seconds
		}))
		if got.Pod.Grace != want {
			t.Errorf("%d seconds become %v, want %v", seconds, got.Pod.Grace, want)
		}
	}
}
