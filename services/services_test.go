package services_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/services"
)

// object is what the manifests of the shop use of Kubernetes; a field beyond it fails the test.
type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct {
		Name   string
		Labels map[string]string
	}
	Spec struct {
		Replicas int
		Strategy map[string]string
		Type     string
		Selector yaml.Node
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				ServiceAccountName            string `yaml:"serviceAccountName"`
				TerminationGracePeriodSeconds int    `yaml:"terminationGracePeriodSeconds"`
				Containers                    []container
				Volumes                       []struct {
					Name                  string
					PersistentVolumeClaim struct {
						ClaimName string `yaml:"claimName"`
					} `yaml:"persistentVolumeClaim"`
				}
			}
		}
		Ports []struct {
			Name       string
			Port       int
			TargetPort int `yaml:"targetPort"`
		}
		// AccessModes and Resources are those of a claim.
		AccessModes []string `yaml:"accessModes"`
		Resources   struct{ Requests struct{ Storage string } }
	}
}

type container struct {
	Name, Image string
	Ports       []containerPort
	EnvFrom     []struct {
		ConfigMapRef reference `yaml:"configMapRef"`
	} `yaml:"envFrom"`
	Env []struct {
		Name, Value string
		ValueFrom   struct {
			SecretKeyRef reference `yaml:"secretKeyRef"`
			FieldRef     struct {
				FieldPath string `yaml:"fieldPath"`
			} `yaml:"fieldRef"`
		} `yaml:"valueFrom"`
	}
	ReadinessProbe *probe `yaml:"readinessProbe"`
	LivenessProbe  *probe `yaml:"livenessProbe"`
	Resources      struct {
		Requests, Limits struct{ CPU, Memory string }
	}
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

// reference is a placeholder for a setting from outside. None has to be there for the shop to run.
type reference struct {
	Name, Key string
	Optional  bool
}

type containerPort struct {
	Name          string
	ContainerPort int `yaml:"containerPort"`
}

type probe struct {
	PeriodSeconds int `yaml:"periodSeconds"`
	GRPC          *struct {
		Port    int
		Service string
	} `yaml:"grpc"`
	HTTPGet *struct {
		Path string
		Port int
	} `yaml:"httpGet"`
	TCPSocket *struct{ Port int } `yaml:"tcpSocket"`
}

// port is where a probe looks; 0 if it does not look anywhere.
func (p *probe) port() int {
	switch {
	case p == nil:
		return 0
	case p.GRPC != nil:
		return p.GRPC.Port
	case p.HTTPGet != nil:
		return p.HTTPGet.Port
	case p.TCPSocket != nil:
		return p.TCPSocket.Port
	}
	return 0
}

// objects are all objects of all manifests, by kind and name.
func objects(t *testing.T) map[string]object {
	t.Helper()
	return objectsOf(t, services.All())
}

func objectsOf(t *testing.T, workloads []services.Builtin) map[string]object {
	t.Helper()
	all := map[string]object{}
	for _, b := range workloads {
		decoder := yaml.NewDecoder(bytes.NewReader(b.Manifest()))
		decoder.KnownFields(true)
		for {
			var o object
			err := decoder.Decode(&o)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("manifest of %s: %v", b.Name, err)
			}
			key := o.Kind + "/" + o.Metadata.Name
			if _, twice := all[key]; twice {
				t.Errorf("%s is in two manifests", key)
			}
			all[key] = o
		}
	}
	return all
}

func TestEveryWorkloadHasAnAccountADeploymentAndAService(t *testing.T) {
	all := objects(t)
	if len(all) != 3*len(services.All())+1 {
		t.Errorf("%d objects, want three for each of %d workloads, and a claim", len(all), len(services.All()))
	}
	for _, b := range services.All() {
		for kind, version := range map[string]string{"ServiceAccount": "v1", "Deployment": "apps/v1", "Service": "v1"} {
			o, ok := all[kind+"/"+b.Workload]
			if !ok || o.APIVersion != version || o.Metadata.Labels["app"] != b.Workload {
				t.Errorf("%s of %s: there %v, of %q, labels %v", kind, b.Workload, ok, o.APIVersion, o.Metadata.Labels)
			}
		}
		checkDeployment(t, b, all["Deployment/"+b.Workload], all["Service/"+b.Workload])
	}
}

func TestAStoreIsTheOnlyOneToUseItsClaim(t *testing.T) {
	all := objectsOf(t, append(services.All(), services.Optional()...))
	for _, name := range []string{"redis-cart", "nats", "issuer"} {
		claim, store := all["PersistentVolumeClaim/"+name].Spec, all["Deployment/"+name].Spec
		if !slices.Equal(claim.AccessModes, []string{"ReadWriteOncePod"}) || store.Strategy["type"] != "Recreate" {
			t.Errorf("the claim of %s is %v, the strategy %v", name, claim.AccessModes, store.Strategy)
		}
		volumes, mounts := store.Template.Spec.Volumes, store.Template.Spec.Containers[0].VolumeMounts
		if len(volumes) != 1 || volumes[0].PersistentVolumeClaim.ClaimName != name || len(mounts) != 1 || mounts[0].Name != volumes[0].Name || mounts[0].MountPath != "/data" {
			t.Errorf("%s: volumes %+v, mounts %+v", name, volumes, mounts)
		}
	}
}

func TestOptionalWorkloadsAreDescribedLikeTheOthersAndNotPartOfTheShop(t *testing.T) {
	all := objectsOf(t, services.Optional())
	for _, b := range services.Optional() {
		checkDeployment(t, b, all["Deployment/"+b.Workload], all["Service/"+b.Workload])
		if found, ok := services.Lookup(b.Name); !ok || found.Workload != b.Workload || b.Module() {
			t.Errorf("Lookup(%q) = %v, %v; a module of the monolith: %v", b.Name, found, ok, b.Module())
		}
		if slices.ContainsFunc(services.All(), func(other services.Builtin) bool { return other.Name == b.Name }) {
			t.Errorf("%s is part of the shop", b.Name)
		}
	}
	if port := all["Service/issuer"].Spec.Ports[0].Port; port != 8080 {
		t.Errorf("the issuer calls itself by port 8080, and its Service has port %d", port)
	}
	for _, c := range all["Deployment/warehouse"].Spec.Template.Spec.Containers {
		for _, e := range c.Env {
			if port := all["Service/nats"].Spec.Ports[0].Port; e.Name == "NATS_URL" && e.Value != fmt.Sprintf("nats://nats:%d", port) {
				t.Errorf("NATS_URL=%s, the bus is at port %d", e.Value, port)
			}
		}
	}
}

func checkDeployment(t *testing.T, b services.Builtin, deployment, service object) {
	t.Helper()
	template := deployment.Spec.Template
	if labels := template.Metadata.Labels; labels["app"] != b.Workload || labels["version"] != "v1" || deployment.Metadata.Labels["version"] != "v1" {
		t.Errorf("%s: pods have the labels %v", b.Workload, labels)
	}
	if template.Spec.ServiceAccountName != b.Workload {
		t.Errorf("%s runs as %q", b.Workload, template.Spec.ServiceAccountName)
	}
	if len(template.Spec.Containers) != 1 || len(template.Spec.Containers[0].Ports) != 1 || len(service.Spec.Ports) != 1 {
		t.Fatalf("%s: want one container with one port", b.Workload)
	}
	c := template.Spec.Containers[0]
	if of, _, ok := services.ByImage(c.Image); !ok || of.Name != b.Name {
		t.Errorf("%s: the image %s is that of %q", b.Workload, c.Image, of.Name)
	}
	port := c.Ports[0]
	if service.Spec.Ports[0].TargetPort != port.ContainerPort || service.Spec.Ports[0].Name != port.Name {
		t.Errorf("%s: the service's port %v does not lead to the container's %v", b.Workload, service.Spec.Ports[0], port)
	}
	if c.ReadinessProbe.port() != port.ContainerPort || c.LivenessProbe.port() != port.ContainerPort {
		t.Errorf("%s: probes look at %d and %d, the container listens on %d", b.Workload, c.ReadinessProbe.port(), c.LivenessProbe.port(), port.ContainerPort)
	}
	if len(b.GRPC) > 0 && (c.ReadinessProbe.GRPC == nil || c.LivenessProbe.GRPC == nil || c.LivenessProbe.GRPC.Service != "liveness") {
		t.Errorf("%s: a lost store must make it not ready, and not dead", b.Workload)
	}
	for what, text := range map[string]string{
		"CPU request": c.Resources.Requests.CPU, "memory request": c.Resources.Requests.Memory,
		"CPU limit": c.Resources.Limits.CPU, "memory limit": c.Resources.Limits.Memory,
	} {
		if text == "" {
			t.Errorf("%s has no %s", b.Workload, what)
		}
	}
	for _, from := range c.EnvFrom {
		if !from.ConfigMapRef.Optional {
			t.Errorf("%s does not start without the ConfigMap %s", b.Workload, from.ConfigMapRef.Name)
		}
	}
	for _, e := range c.Env {
		if from := e.ValueFrom.SecretKeyRef; from.Name != "" && !from.Optional {
			t.Errorf("%s does not start without the Secret %s", b.Workload, from.Name)
		}
		if e.Name == "PORT" && e.Value != fmt.Sprint(port.ContainerPort) {
			t.Errorf("%s: PORT is %s, the container's port %d", b.Workload, e.Value, port.ContainerPort)
		}
	}
}

func TestContainersListenWhereTheOriginalsDo(t *testing.T) {
	all := objects(t)
	for workload, want := range map[string][2]int{ // of the Service, of the container
		"adservice": {9555, 9555}, "cartservice": {7070, 7070}, "checkoutservice": {5050, 5050}, "currencyservice": {7000, 7000},
		"emailservice": {5000, 8080}, "frontend": {80, 8080}, "paymentservice": {50051, 50051}, "productcatalogservice": {3550, 3550},
		"recommendationservice": {8080, 8080}, "redis-cart": {6379, 6379}, "shippingservice": {50051, 50051},
	} {
		port := all["Service/"+workload].Spec.Ports[0]
		if got := [2]int{port.Port, port.TargetPort}; got != want {
			t.Errorf("%s: ports %v, want %v", workload, got, want)
		}
	}
}

func TestEveryAddressInAManifestLeadsToAService(t *testing.T) {
	all := objects(t)
	address := regexp.MustCompile(`^([a-z-]+):(\d+)$`)
	found := 0
	for _, o := range all {
		for _, c := range o.Spec.Template.Spec.Containers {
			for _, e := range c.Env {
				if !strings.HasSuffix(e.Name, "_ADDR") {
					continue
				}
				found++
				parts := address.FindStringSubmatch(e.Value)
				if parts == nil {
					t.Errorf("%s: %s=%s is no service and port", o.Metadata.Name, e.Name, e.Value)
					continue
				}
				service, ok := all["Service/"+parts[1]]
				if !ok || fmt.Sprint(service.Spec.Ports[0].Port) != parts[2] {
					t.Errorf("%s: %s=%s leads nowhere", o.Metadata.Name, e.Name, e.Value)
				}
			}
		}
	}
	if found < 17 {
		t.Errorf("%d addresses found, want all", found)
	}
}

func TestWorkloadsAreFoundByEitherNameAndByImage(t *testing.T) {
	for name, want := range map[string]string{
		"catalog": "productcatalogservice", "productcatalogservice": "productcatalogservice", "Frontend": "frontend", "redis-cart": "redis-cart", "nope": "",
	} {
		if b, ok := services.Lookup(name); b.Workload != want || ok != (want != "") {
			t.Errorf("Lookup(%q) = %q, %v", name, b.Workload, ok)
		}
	}
	for image, want := range map[string][2]string{
		"shopctl/catalog:v2": {"catalog", "v2"},
		"gcr.io/google-samples/microservices-demo/productcatalogservice:v0.3.0": {"catalog", "v0.3.0"},
		"localhost:5000/cartservice":   {"cart", "latest"},
		"shopctl/ad:v1@sha256:0123abc": {"ad", "v1"},
		"redis:alpine":                 {"redis-cart", "alpine"},
		"myapp:1.0":                    {"", "1.0"},
	} {
		if b, tag, ok := services.ByImage(image); b.Name != want[0] || tag != want[1] || ok != (want[0] != "") {
			t.Errorf("ByImage(%q) = %q, %q, %v", image, b.Name, tag, ok)
		}
	}
	if names := services.All(); !slices.IsSortedFunc(names, func(a, b services.Builtin) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("All is not in alphabetical order")
	}
}

// A service that imports the package of durable records must be given a directory for them wherever it runs.
func TestTheServicesWithRecordsAreKnown(t *testing.T) {
	for _, b := range append(services.All(), services.Optional()...) {
		if b.Role == services.RoleStore {
			continue
		}
		files, err := filepath.Glob(filepath.Join(b.Name, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no files: %v", b.Name, err)
		}
		keeps := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			keeps = keeps || !strings.HasSuffix(file, "_test.go") && strings.Contains(string(text), `/pkg/chassis/durable"`)
		}
		if keeps != b.Records() {
			t.Errorf("%s imports durable: %t, and Records is %t", b.Name, keeps, b.Records())
		}
	}
	if !services.Monolith().Records() {
		t.Error("the monolith has the records of its modules")
	}
}
