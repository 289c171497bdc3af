package daemon

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

func TestMetricsAreWhereAnnotationsOrThePortsNameSayThatTheyAre(t *testing.T) {
	ports := func(all ...corev1.ContainerPort) []corev1.ContainerPort { return all }
	http, metrics := corev1.ContainerPort{Name: "http", ContainerPort: 8080}, corev1.ContainerPort{Name: "metrics", ContainerPort: 9100}
	named := corev1.ContainerPort{Name: "http-metrics", ContainerPort: 8080}
	for name, tc := range map[string]struct {
		annotations map[string]string
		ports       []corev1.ContainerPort
		addr, path  string // addr empty: no target
	}{
		"nothing":               {nil, ports(http), "", ""},
		"scrape":                {map[string]string{"prometheus.io/scrape": "true"}, ports(http), "127.0.0.1:4000", ""},
		"scrape without a port": {map[string]string{"prometheus.io/scrape": "true"}, nil, "127.0.0.1:4000", ""},
		"scrape is off":         {map[string]string{"prometheus.io/scrape": "false"}, ports(http, metrics), "", ""},
		"its own port":          {map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "prometheus.io/path": "/m"}, ports(http), "127.0.0.1:4000", "/m"},
		"another port":          {map[string]string{"prometheus.io/scrape": "True", "prometheus.io/port": "9100"}, ports(http, metrics), "127.0.0.1:9100", ""},
		"an undeclared port":    {map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "9200"}, ports(http), "127.0.0.1:9200", ""},
		"a port named metrics":  {nil, ports(http, metrics), "127.0.0.1:9100", ""},
		"its only port":         {nil, ports(named), "127.0.0.1:4000", ""},
		"a port without scrape": {map[string]string{"prometheus.io/port": "8080"}, ports(http), "127.0.0.1:4000", ""},
	} {
		pod := &corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Ports: tc.ports}, {Name: "other"}}}
		at, ok := metricsOf(tc.annotations, pod)
		if !ok {
			if tc.addr != "" {
				t.Errorf("%s: no target", name)
			}
			continue
		}
		addr := at.address(pod, orchestrator.Container{Name: "server", Addr: "127.0.0.1:4000"})
		if at.container != "server" || addr != tc.addr || at.path != tc.path {
			t.Errorf("%s: container %q, %s%s", name, at.container, addr, at.path)
		}
	}
}
