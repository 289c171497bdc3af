package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// catalog is a built-in workload as services have them.
const catalog = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: productcatalogservice
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: productcatalogservice
  labels: {app: productcatalogservice, version: v1}
spec:
  selector:
    matchLabels: {app: productcatalogservice}
  template:
    metadata:
      labels: {app: productcatalogservice, version: v1}
    spec:
      serviceAccountName: productcatalogservice
      containers:
      - name: server
        image: shopctl/catalog:v1
        ports:
        - {name: grpc, containerPort: 3550}
        env:
        - {name: PORT, value: "3550"}
        readinessProbe: {grpc: {port: 3550}}
---
apiVersion: v1
kind: Service
metadata:
  name: productcatalogservice
spec:
  selector: {app: productcatalogservice}
  ports:
  - {name: grpc, port: 3550, targetPort: grpc}
`

var (
	deploymentKey = resource.Key{Kind: resource.KindDeployment, Namespace: "production", Name: "productcatalogservice"}
	serviceKey    = resource.Key{Kind: resource.KindService, Namespace: "production", Name: "productcatalogservice"}
	configKey     = resource.Key{Kind: resource.KindConfigMap, Namespace: "production", Name: "app-config"}
)

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app-config}\ndata: {LOG_LEVEL: info}\n"

func manifests(t testing.TB, content string) []resource.Manifest {
	t.Helper()
	m, err := decode.Decode("f.yaml", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func file(t testing.TB, name string) []resource.Manifest {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../../testdata/yaml", name))
	if err != nil {
		t.Fatal(err)
	}
	m, err := decode.Decode(name, content)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// config has a clock that is stopped and ids that count.
func config(t testing.TB, path, builtin string) store.Config {
	n := 0
	return store.Config{
		Path:     path,
		Defaults: manifests(t, builtin),
		Now:      func() time.Time { return time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC) },
		NewUID: func() types.UID {
			n++
			return types.UID(fmt.Sprintf("uid-%d", n))
		},
	}
}

func open(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get[T resource.Object](t testing.TB, s *store.Store, key resource.Key) T {
	t.Helper()
	o, err := s.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	return o.(T)
}

func apply(t testing.TB, s *store.Store, content string) store.Result {
	t.Helper()
	result, err := s.Apply(t.Context(), manifests(t, content), "", false)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// actions are "key action" of each change.
func actions(changes []store.Change) []string {
	var list []string
	for _, c := range changes {
		list = append(list, c.Key.String()+" "+string(c.Action))
	}
	return list
}
