package podspec

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// shop is a resolver with two Services, and the addresses that they have.
func shop() (*Resolver, func(string, Reference) string) {
	r := &Resolver{
		Ports:      map[Reference]bool{port(ns, "cartservice", 7070): true, port(ns, "redis-cart", 6379): true},
		ConfigMaps: map[orchestrator.Key]*corev1.ConfigMap{{Namespace: ns, Name: "cm"}: {Data: map[string]string{"app.yaml": "cart:\n  addr: cartservice:7070\n", "note": "nothing"}}},
	}
	return r, func(_ string, ref Reference) string {
		return map[Reference]string{port(ns, "cartservice", 7070): "127.0.0.1:4000", port(ns, "redis-cart", 6379): "127.0.0.1:4001"}[ref]
	}
}

func TestAddressesAreFilledInVariablesArgumentsAndFiles(t *testing.T) {
	r, address := shop()
	got := r.Resolve(template(func(p *corev1.PodSpec, c *corev1.Container) {
		c.Env = []corev1.EnvVar{
			{Name: "CART", Value: "dns:///CartService:7070"},
			{Name: "BOTH", Value: `{"cart": "cartservice:7070", "store": "redis://u:p@redis-cart:6379/0"}`},
			{Name: "REDIS_HOST", Value: "redis-cart"},
			{Name: "REDIS_PORT", Value: "6379"},
			{Name: "COMPOSED", Value: "$(REDIS_HOST):$(REDIS_PORT)"},
		}
		c.Command = []string{"sh", "-c", "nc cartservice:7070 && exec app"}
		c.Args = []string{"--addr=cartservice:7070", "cartservice:7070", "$(REDIS_HOST):$(REDIS_PORT)", "$(REDIS_CART_SERVICE_HOST)/x", "cartservice"}
		p.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}}}}}
		c.VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/etc/app"}}
	}))
	pod := got.Fill("app-1", address)
	c := pod.Containers[0]
	for what, lists := range map[string][2][]string{
		"env": {c.Env, {
			"CART=dns:///127.0.0.1:4000", `BOTH={"cart": "127.0.0.1:4000", "store": "redis://u:p@127.0.0.1:4001/0"}`,
			"REDIS_HOST=127.0.0.1", "REDIS_PORT=4001", "COMPOSED=127.0.0.1:4001",
		}},
		"command": {c.Command, {"sh", "-c", "nc 127.0.0.1:4000 && exec app"}},
		"args":    {c.Args, {"--addr=127.0.0.1:4000", "127.0.0.1:4000", "127.0.0.1:4001", "127.0.0.1/x", "cartservice"}},
	} {
		if !slices.Equal(lists[0], lists[1]) {
			t.Errorf("%s %q\nwant %q", what, lists[0], lists[1])
		}
	}
	if files := pod.Volumes[0].Files; string(files["app.yaml"]) != "cart:\n  addr: 127.0.0.1:4000\n" || string(files["note"]) != "nothing" {
		t.Errorf("files %q", files)
	}
	if len(got.Warnings) > 0 || len(c.References) != 2 {
		t.Errorf("warnings %q, references %v", got.Warnings, c.References)
	}
	for _, pin := range []string{"c.CART=production/cartservice:7070", "c.REDIS_HOST=production/redis-cart:6379", "c.args=production/cartservice:7070", "c.command=production/cartservice:7070"} {
		if !slices.Contains(got.Pinned, pin) {
			t.Errorf("%s is not pinned: %q", pin, got.Pinned)
		}
	}
}

func TestAnAddressThatLeadsNowhereIsAWarningThatNamesTheVariable(t *testing.T) {
	r, address := shop()
	got := r.Resolve(template(func(_ *corev1.PodSpec, c *corev1.Container) {
		c.Env = []corev1.EnvVar{
			{Name: "A", Value: "cartservice:9"},
			{Name: "CACHE_ADDR", Value: "redis-crat:6379"},
			{Name: "STORE_HOST", Value: "redis-cart"},
			{Name: "WORDS", Value: "cartservice:7070 is an address"},
		}
		c.Args = []string{"--url=http://cartservice", "--host", "redis-cart", "--port", "6379"}
	}))
	want := []string{
		"env A: service cartservice has no port 9, but 7070",
		`env CACHE_ADDR: there is no Service "redis-crat" in namespace "production"; did you mean "redis-cart"?`,
		"env STORE_HOST: it names the Service redis-cart without its port, which is another one here; set STORE_PORT beside it to 6379, or use a single variable with redis-cart:6379",
		"args: service cartservice has no port 80, but 7070",
		"args: the Service redis-cart has another address here, and a name apart from its port is not replaced; write redis-cart:6379 as one word, " +
			"or set the variables REDIS_CART_HOST to redis-cart and REDIS_CART_PORT to 6379 and write $(REDIS_CART_HOST) and $(REDIS_CART_PORT)",
	}
	if !slices.Equal(got.Warnings, want) {
		t.Errorf("warnings %q", got.Warnings)
	}
	if env := got.Fill("app-1", address).Containers[0].Env; env[0] != "A=cartservice:9" || env[3] != "WORDS=cartservice:7070 is an address" {
		t.Errorf("env %q", env)
	}
}

func TestAHostApartFromItsPortIsAWarningWhereverThePortIs(t *testing.T) {
	r, _ := shop()
	got := r.Resolve(template(func(_ *corev1.PodSpec, c *corev1.Container) {
		c.Command, c.Args = []string{"redis-cli", "-h"}, []string{"redis-cart", "ping"}
	}))
	if len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], "args: the Service redis-cart has another address here") {
		t.Errorf("command and arguments: %q", got.Warnings)
	}
}

func TestServicesAreShownAsKubernetesDoes(t *testing.T) {
	r, address := shop()
	got := r.Resolve(template(func(_ *corev1.PodSpec, c *corev1.Container) {
		c.Env = []corev1.EnvVar{{Name: "CARTSERVICE_PORT", Value: "own"}}
	}))
	links := got.Fill("app-1", address).Containers[0].Links
	for _, want := range []string{
		"REDIS_CART_SERVICE_HOST=127.0.0.1", "REDIS_CART_SERVICE_PORT=4001", "REDIS_CART_PORT=tcp://127.0.0.1:4001",
		"REDIS_CART_PORT_6379_TCP=tcp://127.0.0.1:4001", "REDIS_CART_PORT_6379_TCP_PROTO=tcp", "REDIS_CART_PORT_6379_TCP_PORT=4001",
		"REDIS_CART_PORT_6379_TCP_ADDR=127.0.0.1",
	} {
		if !slices.Contains(links, want) {
			t.Errorf("%s is missing in %q", want, links)
		}
	}
	if strings.Contains(strings.Join(links, " "), "CARTSERVICE_PORT=") {
		t.Errorf("a variable of the container is replaced: %q", links)
	}
	if len(got.Services()) != 0 {
		t.Errorf("the container waits for %v", got.Services())
	}
	off := false
	none := r.Resolve(template(func(p *corev1.PodSpec, _ *corev1.Container) { p.EnableServiceLinks = &off }))
	if links := none.Pod.Containers[0].Links; len(links) > 0 {
		t.Errorf("enableServiceLinks: false gives %q", links)
	}
}
