package otlp

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/observe/spans"
)

const goodTrace, goodSpan = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"

// TestABadIDLosesOnlyItsSpan sends each bad id beside a good span.
func TestABadIDLosesOnlyItsSpan(t *testing.T) {
	wrong := func(size int) []string {
		return []string{
			`"` + strings.Repeat("1", size*2-3) + `"`, `"` + strings.Repeat("1", size*2+1) + `"`, `"` + strings.Repeat("1", size*2-1) + `"`, `"` + strings.Repeat("g", size*2) + `"`,
			`"a.b"`, `"x"`, `"1"`, `"123"`, `"` + strings.Repeat("g", size) + `"`, `"\u0031"`, `12`, `-1`, `"é"`, `"\u0000"`, `"` + strings.Repeat("1", 1000) + `"`,
		}
	}
	templates := map[string]struct {
		text string
		ids  []string
	}{
		"trace id":           {`"traceId":%s,"spanId":"` + goodSpan + `"`, wrong(16)},
		"trace_id":           {`"trace_id" : %s,"spanId":"` + goodSpan + `"`, wrong(16)},
		"span id":            {`"spanId":%s,"traceId":"` + goodTrace + `"`, wrong(8)},
		"parent":             {`"parentSpanId":%s,"traceId":"` + goodTrace + `","spanId":"` + goodSpan + `"`, wrong(8)},
		"span id of a link":  {`"traceId":"` + goodTrace + `","spanId":"` + goodSpan + `","links":[{"traceId":"` + goodTrace + `","spanId":%s}]`, wrong(8)},
		"trace id of a link": {`"traceId":"` + goodTrace + `","spanId":"` + goodSpan + `","links":[{"spanId":"` + goodSpan + `","traceId":%s}]`, wrong(16)},
	}
	for name, c := range templates {
		r, store := receive(t, nil)
		for i, id := range c.ids {
			body := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"bad one",` + fmt.Sprintf(c.text, id) + `},` +
				`{"name":"good","traceId":"` + goodTrace + `","spanId":"aaaaaaaaaaaaaaaa","parentSpanId":"` + goodSpan + `","attributes":[{"key":"traceId","value":{"stringValue":"x"}}]}]}]}]}`
			resp, err := http.Post("http://"+r.HTTP()+Path, typeJSON, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			answer := &collectorpb.ExportTraceServiceResponse{}
			if err := protojson.Unmarshal(text, answer); err != nil || resp.StatusCode != 200 {
				t.Errorf("%s %s: %d %s", name, id, resp.StatusCode, text)
				continue
			}
			partial := answer.GetPartialSuccess()
			if partial.GetRejectedSpans() != 1 || !strings.Contains(partial.GetErrorMessage(), `span "bad one": `) || !strings.Contains(partial.GetErrorMessage(), "hexadecimal") {
				t.Errorf("%s %s: %v", name, id, partial)
			}
			if got := store.List(spans.Filter{}, 1); len(got) != 1 || got[0].Spans != i+1 || got[0].RootName != "good" {
				t.Errorf("%s %s: kept %+v", name, id, got)
			}
		}
	}
}
