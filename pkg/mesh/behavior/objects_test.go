package behavior

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource/decode"
)

// apply applies objects, and returns what is warned of.
func (s *shop) apply(file, text string) []string {
	s.t.Helper()
	manifests, err := decode.Decode(file, []byte(strings.ReplaceAll(text, "TLS_DIR", s.certificates.dir)))
	if err != nil {
		s.t.Fatal(err)
	}
	result, err := s.objects.Apply(s.t.Context(), manifests, "", false)
	if err != nil {
		s.t.Fatal(err)
	}
	var warnings []string
	for _, w := range result.Warnings {
		warnings = append(warnings, w.Message)
	}
	return warnings
}

// inForce waits until the sidecars have what was applied in force.
func (s *shop) inForce() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if behind, err := s.plane.WaitInForce(ctx, s.objects.Snapshot().Revision()); err != nil {
		s.t.Fatalf("the sidecars %+v are behind: %v", behind, err)
	}
	for _, st := range s.plane.Status() {
		if st.Refused != "" {
			s.t.Fatalf("%s refuses its configuration: %s", st.ID, st.Refused)
		}
	}
}

// start starts the pods of a case and the sidecars of its callers, and hands out where the pods are.
func (s *shop) start(ctx context.Context, c *behaviorCase) {
	var all []*runningSidecar
	pods := map[string]string{}
	for _, workload := range slices.Sorted(maps.Keys(c.Pods)) {
		for i, p := range c.Pods[workload] {
			name := fmt.Sprintf("%s-%d", workload, i+1)
			s.programs[name] = startProgram(s.t, ctx, s.certificates, name, kindOf(workload), p)
			s.apply("shop.yaml", deployment(workload, p.Version, c.Pods[workload]))
			if sc := s.join(workload, production, name, p.Version, p.Plain); sc != nil {
				all = append(all, sc)
				pods[name] = workload
			}
		}
	}
	for _, k := range c.Calls {
		workload, namespace, ok := strings.Cut(k.From, ".")
		if !ok {
			namespace = production
		}
		if k.From != stranger && s.sidecars[callerPod(k.From)] == nil {
			all = append(all, s.join(workload, namespace, callerPod(k.From), "", false))
		}
	}
	for _, sc := range all {
		select {
		case <-sc.ready:
		case <-s.t.Context().Done():
			s.t.Fatal("a sidecar does not listen")
		}
	}
	for name, workload := range pods {
		eventually.True(s.t, "the sidecar of "+name+" listens for its program", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			address := s.sidecars[name].listeners[inboundName(workload)]
			s.names[address] = name
			return address != ""
		})
	}
	delete(s.names, "")
	s.change(func(state *orchestrator.Snapshot) {
		for i := range state.Endpoints {
			e := &state.Endpoints[i]
			if workload := pods[e.Pod]; workload != "" {
				e.PeerAddr, e.Sidecar = s.sidecars[e.Pod].listeners[inboundName(workload)], true
			}
		}
	})
}

// deployment is that of the pods of a workload with a version.
func deployment(workload, version string, pods []pod) string {
	name, labels, replicas := workload, "app: "+workload, 0
	if version != "" {
		name, labels = workload+"-"+version, labels+", version: "+version
	}
	for _, p := range pods {
		if p.Version == version {
			replicas++
		}
	}
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %s}
spec:
  replicas: %d
  selector: {matchLabels: {%s}}
  template:
    metadata: {labels: {%[3]s}}
    spec: {serviceAccountName: %s, containers: [{name: server, image: shopctl/%[4]s}]}
`, name, replicas, labels, workload)
}

// callerPod is the pod of a caller.
func callerPod(from string) string {
	workload, _, _ := strings.Cut(from, ".")
	return workload + "-0"
}
