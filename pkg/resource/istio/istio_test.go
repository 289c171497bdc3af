package istio_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/resource/istio"
)

func TestASpecIsKeptAsItWasWritten(t *testing.T) {
	const written = `{"metadata":{"name":"a"},"spec":{"hosts":["a"],"http":[{"timeout":"1.5m","route":[{"destination":{"host":"a"}}]}]}}`
	var vs istio.VirtualService
	if err := json.Unmarshal([]byte(written), &vs); err != nil {
		t.Fatal(err)
	}
	if got := vs.Spec.Message().GetHttp()[0].GetTimeout().AsDuration(); got != 90*time.Second {
		t.Errorf("the timeout is %v", got)
	}
	data, err := json.Marshal(vs.DeepCopyObject())
	if err != nil {
		t.Fatal(err)
	}
	if got := string(data); got != written {
		t.Errorf("written as\n%s\nwant\n%s", got, written)
	}
}

func TestASpecIsReadStrictly(t *testing.T) {
	for spec, want := range map[string]string{
		`{"host":"a"}`:                   `unknown field "host"`,
		`{"http":[{"timeout":"1 day"}]}`: `want a duration`,
		`[]`:                             `want fields of VirtualService`,
	} {
		var vs istio.VirtualService
		err := json.Unmarshal([]byte(`{"spec":`+spec+`}`), &vs)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", spec, err, want)
		}
	}
}

func TestAnObjectWithoutASpecHasAnEmptyOne(t *testing.T) {
	for _, written := range []string{`{}`, `{"spec":null}`, `{"spec":{}}`} {
		var pa istio.PeerAuthentication
		if err := json.Unmarshal([]byte(written), &pa); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if pa.Spec.Message() == nil || pa.Spec.Message().GetMtls() != nil {
			t.Errorf("%s is read as %v", written, pa.Spec.Message())
		}
		if data, err := json.Marshal(pa.Spec); err != nil || string(data) != "{}" {
			t.Errorf("%s is written as %s, error %v", written, data, err)
		}
	}
}
