package delivery

import (
	"encoding/json"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/resource/istio"
)

// rules makes a VirtualService of the rules in JSON.
func rules(t *testing.T, text string) *istio.VirtualService {
	t.Helper()
	vs := &istio.VirtualService{ObjectMeta: metav1.ObjectMeta{Name: "catalog", Namespace: "production"}}
	if err := vs.Spec.UnmarshalJSON([]byte(`{"hosts":["catalogservice"],"http":` + text + `}`)); err != nil {
		t.Fatal(err)
	}
	return vs
}

func written(t *testing.T, vs *istio.VirtualService) string {
	t.Helper()
	tree, ok := vs.Spec.Tree().(map[string]any)
	if !ok {
		t.Fatalf("spec %v", vs.Spec.Tree())
	}
	data, err := json.Marshal(tree["http"])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOnlyTheRulesBetweenBothReleasesAreWeightedAndAllElseStays(t *testing.T) {
	const testers = `{"match":[{"headers":{"x-canary":{"exact":"true"}}}],"route":[{"destination":{"host":"catalogservice","subset":"v2"}}]}`
	const elsewhere = `{"match":[{"uri":{"prefix":"/old"}}],"route":[{"destination":{"host":"legacy"}}]}`
	for before, want := range map[string]string{
		`{"name":"all","route":[{"destination":{"host":"catalogservice"}}],"timeout":"1.5m"}`:                                                                              `{"name":"all","route":[{"destination":{"host":"catalogservice","subset":"v1"},"weight":75},{"destination":{"host":"catalogservice","subset":"v2"},"weight":25}],"timeout":"1.5m"}`,
		`{"route":[{"destination":{"host":"catalogservice.production.svc.cluster.local","port":{"number":3550},"subset":"v1"},"headers":{"response":{"set":{"a":"b"}}}}]}`: `{"route":[{"destination":{"host":"catalogservice.production.svc.cluster.local","port":{"number":3550},"subset":"v1"},"headers":{"response":{"set":{"a":"b"}}},"weight":75},{"destination":{"host":"catalogservice.production.svc.cluster.local","port":{"number":3550},"subset":"v2"},"headers":{"response":{"set":{"a":"b"}}},"weight":25}]}`,
		`{"route":[{"destination":{"host":"catalogservice","subset":"v0"},"weight":0},{"destination":{"host":"catalogservice","subset":"v1"},"weight":100}]}`:              `{"route":[{"destination":{"host":"catalogservice","subset":"v1"},"weight":75},{"destination":{"host":"catalogservice","subset":"v2"},"weight":25}]}`,
	} {
		vs := rules(t, "["+testers+","+elsewhere+","+before+"]")
		c := Begin(Plan{Host: "catalogservice", From: "v1", To: "v2", Steps: []int{25, 100}}, began)
		if got := c.weighted(vs); len(got) != 1 || got[0] != 2 {
			t.Errorf("weighted rules %v, want the third", got)
		}
		if err := c.setWeights(vs, 25); err != nil {
			t.Fatal(err)
		}
		if got := written(t, vs); got != "["+testers+","+elsewhere+","+want+"]" {
			t.Errorf("%s\nbecame %s", before, got)
		}
		c.Phase, c.Step = Running, 1
		if got := c.foreign(vs); got != "" {
			t.Errorf("its own weights are foreign: %s", got)
		}
		if err := c.setWeights(vs, 100); err != nil {
			t.Fatal(err)
		}
		if got := c.foreign(vs); got != "spec.http[2] gives v2 100%, not 25%" {
			t.Errorf("other weights: %q", got)
		}
		if err := c.setWeights(vs, 0); err != nil || !strings.Contains(written(t, vs), `"weight":100}`) {
			t.Errorf("back: %s, %v", written(t, vs), err)
		}
	}
}

func TestRoutesThatCannotBeWeightedAreNotTouched(t *testing.T) {
	for _, text := range []string{
		`[{"route":[{"destination":{"host":"catalogservice","subset":"v3"}}]}]`,
		`[{"route":[{"destination":{"host":"catalogservice","subset":"v1"},"weight":50},{"destination":{"host":"catalogservice","subset":"v3"},"weight":50}]}]`,
		`[{"route":[{"destination":{"host":"catalogservice","subset":"v1"},"weight":50},{"destination":{"host":"legacy"},"weight":50}]}]`,
		`[{"redirect":{"uri":"/"}}]`,
	} {
		vs := rules(t, text)
		if err := plan().setWeights(vs, 5); err == nil || written(t, vs) != text {
			t.Errorf("%s became %s, %v", text, written(t, vs), err)
		}
	}
}
