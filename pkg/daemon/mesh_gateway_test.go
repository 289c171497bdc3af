package daemon

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// frontAlone is a shop of the storefront alone: no page of it works that needs another service.
func frontAlone(t *testing.T) func(*Config) {
	t.Helper()
	front, ok := services.Lookup("frontend")
	if !ok {
		t.Fatal("there is no frontend")
	}
	manifests, err := decode.Decode("frontend.yaml", front.Manifest())
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.Defaults = manifests }
}

// health is what the storefront's address says to one client, and why a request of it failed.
func health(client *http.Client, url string) (answer string, err error) {
	resp, err := client.Post(strings.TrimSuffix(url, "/")+"/_healthz", "text/plain", strings.NewReader("well?"))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s", resp.StatusCode, strings.TrimSpace(string(body))), err
}

// gatewayed waits until the gateway is ready, or gone.
func gatewayed(t *testing.T, c *control.Client, in bool) *controlpb.StatusResponse {
	t.Helper()
	return await(t, c, fmt.Sprintf("gateway: %v", in), func(st *controlpb.StatusResponse) bool {
		gateway, front := find(st, resource.Gateway), find(st, "frontend")
		joined := len(front.GetInstances()) == 1 && len(front.GetInstances()[0].GetContainers()) == 2 && front.GetInstances()[0].GetContainers()[0].GetReady()
		if in {
			return gateway.GetState() == "ok" && front.GetState() == "ok" && joined
		}
		return gateway.GetName() == "" && front.GetState() == "ok" && len(front.GetInstances()[0].GetContainers()) == 1
	})
}

func TestTheStorefrontsAddressWorksWhileTheGatewayComesAndGoesAndUnderSTRICT(t *testing.T) {
	c := open(t, home(t), frontAlone(t))
	st := await(t, c, "frontend is ready", func(st *controlpb.StatusResponse) bool { return find(st, "frontend").GetState() == "ok" })
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop()
	for n := range 8 {
		kept := n == 0 // one client keeps its connection, and the others make one for each request
		clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: !kept}}
			defer client.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				if got, err := health(client, st.GetUrl()); err != nil || got != "200 ok" {
					t.Errorf("request %d (kept connections: %v): %q, %v", n, kept, got, err)
					return
				}
			}
		})
	}
	strict := "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default}\nspec: {mtls: {mode: STRICT}}\n"
	if _, err := c.Apply(t.Context(), &controlpb.ApplyRequest{Files: []*controlpb.File{{Name: "strict.yaml", Content: []byte(strict)}}}); err != nil {
		t.Fatal(err)
	}
	gatewayed(t, c, true)
	for range 3 {
		edit(t, c, meshEdit(false))
		gatewayed(t, c, false)
		edit(t, c, meshEdit(true))
		gatewayed(t, c, true)
	}
}

func TestAPolicyOfTheGatewayHoldsAndADeadGatewayIsNotGoneAround(t *testing.T) {
	c := open(t, home(t), func(cfg *Config) {
		frontAlone(t)(cfg)
		cfg.Mesh = MeshOn
	})
	st := gatewayed(t, c, true)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	says := func(want string) {
		t.Helper()
		eventually.True(t, "the storefront says "+want, func() bool {
			got, err := health(client, st.GetUrl())
			if err != nil {
				got = "no connection"
			}
			return got == want
		})
	}
	says("200 ok")
	apply := func(name, text string) {
		t.Helper()
		resp, err := c.Apply(t.Context(), &controlpb.ApplyRequest{Files: []*controlpb.File{{Name: name, Content: []byte(text)}}})
		if err != nil || len(resp.GetWarnings()) > 0 {
			t.Fatalf("apply %s: %v, %v", name, resp.GetWarnings(), err)
		}
	}
	const policy = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: %s}
spec:
  selector: {matchLabels: %s}
  action: DENY
  rules: [{%s}]
`
	apply("edge.yaml", fmt.Sprintf(policy, "edge", "{istio: ingressgateway}", "to: [{operation: {paths: [/_healthz], ports: ['8080']}}]"))
	says("403 RBAC: access denied")
	apply("edge.yaml", fmt.Sprintf(policy, "edge", "{istio: ingressgateway}", "to: [{operation: {paths: [/elsewhere], ports: ['8080']}}]"))
	says("200 ok")
	apply("front.yaml", fmt.Sprintf(policy, "front", "{app: frontend}", "from: [{source: {principals: [cluster.local/ns/production/sa/istio-ingressgateway]}}]"))
	says("403 RBAC: access denied") // the storefront knows who calls it
	edit(t, c, &controlpb.EditRequest{Services: []string{resource.Gateway}, Operation: &controlpb.EditRequest_Replicas{Replicas: 0}})
	says("no connection")
}

func TestSidecarsThatShareAProcessKeepTheirIdentitiesAndEndAlone(t *testing.T) {
	c := open(t, home(t), func(cfg *Config) {
		frontAlone(t)(cfg)
		cfg.Mesh, cfg.Sidecars = MeshOn, SidecarsShared
	})
	st := gatewayed(t, c, true)
	front, gateway := find(st, "frontend").GetInstances()[0].GetContainers(), find(st, resource.Gateway).GetInstances()[0].GetContainers()
	if front[0].GetId() != gateway[0].GetId() || front[0].GetId() == front[1].GetId() {
		t.Errorf("processes %s, %s and %s: want the sidecars in one, and the program in another", front[0].GetId(), front[1].GetId(), gateway[0].GetId())
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	const policies = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: front}
spec:
  selector: {matchLabels: {app: frontend}}
  rules: [{from: [{source: {principals: [cluster.local/ns/production/sa/istio-ingressgateway]}}]}]
`
	if _, err := c.Apply(t.Context(), &controlpb.ApplyRequest{Files: []*controlpb.File{{Name: "policies.yaml", Content: []byte(policies)}}}); err != nil {
		t.Fatal(err)
	}
	if got, err := health(client, st.GetUrl()); err != nil || got != "200 ok" {
		t.Errorf("the gateway calls the storefront with its own identity: %q, %v", got, err)
	}
	edit(t, c, &controlpb.EditRequest{Services: []string{resource.Gateway}, Operation: &controlpb.EditRequest_Replicas{Replicas: 0}})
	await(t, c, "the gateway has ended", func(st *controlpb.StatusResponse) bool { return find(st, resource.Gateway).GetState() == "stopped" })
	st = await(t, c, "the other sidecar goes on", func(st *controlpb.StatusResponse) bool { return find(st, "frontend").GetState() == "ok" })
	if same := find(st, "frontend").GetInstances()[0].GetContainers()[0]; same.GetId() != front[0].GetId() || same.GetRestarts() != 0 {
		t.Errorf("the sidecar of frontend is %s after %d restarts, want %s", same.GetId(), same.GetRestarts(), front[0].GetId())
	}
	var pid int
	if _, err := fmt.Sscanf(front[0].GetId(), "process://%d", &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, c, "the sidecar is back in another process", func(st *controlpb.StatusResponse) bool {
		k := find(st, "frontend").GetInstances()[0].GetContainers()[0]
		return find(st, "frontend").GetState() == "ok" && k.GetRestarts() == 1 && k.GetId() != front[0].GetId()
	})
}
