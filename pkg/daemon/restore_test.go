package daemon

import (
	"strings"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// lacks is what the shop says that it lacks: "catalog: Service productcatalogservice was deleted".
func lacks(st *controlpb.StatusResponse) string {
	var all []string
	for _, m := range st.GetMissing() {
		all = append(all, m.GetService()+": "+m.GetMessage())
	}
	return strings.Join(all, "; ")
}

func remove(t *testing.T, c *control.Client, kind, name string) []string {
	t.Helper()
	resp, err := c.Delete(t.Context(), &controlpb.DeleteRequest{Kind: kind, Names: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetWarnings()
}

func TestWhatIsMissingOfTheShopIsNamedAndRestored(t *testing.T) {
	c := open(t, home(t), only("recommendation"))
	healthy := func(st *controlpb.StatusResponse) bool {
		return len(st.GetMissing()) == 0 && find(st, "catalog").GetState() == "ok" && find(st, "recommendation").GetState() == "ok"
	}
	await(t, c, "both run", healthy)

	warnings := remove(t, c, "Service", "productcatalogservice")
	if text := strings.Join(warnings, "\n"); len(warnings) != 1 || !strings.HasSuffix(text, "recommendation depend on it and fail without it; to restore it: shopctl restore catalog") {
		t.Errorf("warnings %q, want one that names recommendation and the command", warnings)
	}
	st := await(t, c, "the Service is missed", func(st *controlpb.StatusResponse) bool { return len(st.GetMissing()) == 1 })
	if got := lacks(st); got != "catalog: Service productcatalogservice was deleted" {
		t.Errorf("missing: %s", got)
	}
	if s := find(st, "catalog"); s.GetState() != "unhealthy" || s.GetMessage() != "Service productcatalogservice was deleted" {
		t.Errorf("catalog is %s: %s", s.GetState(), s.GetMessage())
	}

	remove(t, c, "Deployment", "productcatalogservice")
	st = await(t, c, "both are missed", func(st *controlpb.StatusResponse) bool { return strings.Contains(lacks(st), "Deployment") })
	if got := lacks(st); !strings.HasPrefix(got, "catalog: ") || !st.GetMissing()[0].GetAbsent() {
		t.Errorf("missing: %s", got)
	}
	_, err := c.Edit(t.Context(), &controlpb.EditRequest{Services: []string{"catalog"}, Operation: &controlpb.EditRequest_Start{Start: true}})
	if hint, _, _ := control.HintOf(err); hint != "shopctl restore catalog" || !strings.Contains(status.Convert(err).Message(), "Deployment productcatalogservice was deleted") {
		t.Errorf("start: %v, hint %q", err, hint)
	}

	if _, err := c.Restore(t.Context(), &controlpb.RestoreRequest{DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if st, err := c.Status(t.Context(), &controlpb.StatusRequest{}); err != nil || len(st.GetMissing()) != 1 {
		t.Errorf("a dry run changed the shop: %s, %v", lacks(st), err)
	}
	if resp, err := c.Restore(t.Context(), &controlpb.RestoreRequest{}); err != nil || len(resp.GetWarnings()) != 0 {
		t.Fatalf("%v, warnings of the shop's own manifests: %q", err, resp.GetWarnings())
	}
	await(t, c, "both run again", healthy)
	if resp, err := c.Restore(t.Context(), &controlpb.RestoreRequest{}); err != nil || len(resp.GetObjects()) != 0 {
		t.Errorf("nothing is missing: %v, %v", resp, err)
	}
	_, err = c.Restore(t.Context(), &controlpb.RestoreRequest{Services: []string{"nosuch"}})
	if hint, _, _ := control.HintOf(err); !strings.Contains(hint, "catalog, checkout") {
		t.Errorf("restore nosuch: %v, hint %q", err, hint)
	}
}

func TestAServiceThatLeadsNowhereIsNotHealthy(t *testing.T) {
	c := open(t, home(t), only("currency"))
	manifest := `apiVersion: v1
kind: Service
metadata: {name: currencyservice}
spec:
  selector: {app: nobody}
  ports: [{name: grpc, port: 7000, targetPort: 7000}]
`
	if _, err := c.Apply(t.Context(), &controlpb.ApplyRequest{Files: []*controlpb.File{{Name: "s.yaml", Content: []byte(manifest)}}}); err != nil {
		t.Fatal(err)
	}
	await(t, c, "the Service is found wanting", func(st *controlpb.StatusResponse) bool {
		return find(st, "currency").GetState() == "unhealthy" && strings.Contains(lacks(st), "leads to no instance")
	})
	if _, err := c.Restore(t.Context(), &controlpb.RestoreRequest{Services: []string{"currencyservice"}}); err != nil {
		t.Fatal(err)
	}
	await(t, c, "it is restored", func(st *controlpb.StatusResponse) bool {
		return find(st, "currency").GetState() == "ok" && len(st.GetMissing()) == 0
	})
}
