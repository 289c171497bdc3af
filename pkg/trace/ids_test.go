package trace_test

import (
	"slices"
	"testing"

	"github.com/shopctl/shopctl/pkg/trace"
)

func TestIDsInAnyFormOfJSONAreRead(t *testing.T) {
	for name, ids := range map[string]string{
		"lower case":     `"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"`,
		"upper case":     `"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174"`,
		"snake case":     `"trace_id":"5b8efff798038103d269b633813fc60c", "span_id" :  "eee19b7ec3c1b174"`,
		"base64":         `"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"7uGbfsPBsXQ="`,
		"escaped":        `"\u0074raceId":"5b8efff798038103d269b633813fc60\u0063","spanId":"eee19b7ec3c1b174"`,
		"no parent":      `"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":""`,
		"a null parent":  `"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":null`,
		"like-named key": `"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","attributes":[{"key":"spanId","value":{"stringValue":"spanId"}}]`,
	} {
		data, err := trace.DecodeJSON([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{` + ids + `}]}]}]}`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		spans, refused := trace.Spans(data)
		if refused != 0 || spans[0].Trace.String() != "5b8efff798038103d269b633813fc60c" || spans[0].Record.Span.String() != "eee19b7ec3c1b174" {
			t.Errorf("%s: %v, %d refused", name, spans, refused)
		}
	}
}

func TestLinksAreRead(t *testing.T) {
	data, err := trace.DecodeJSON([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",
"links":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","attributes":[{"key":"why","value":{"stringValue":"batch"}}]}]}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	spans, _ := trace.Spans(data)
	var got []string
	for _, l := range spans[0].Links {
		got = append(got, l.String())
	}
	if want := []string{"trace 0af7651916cd43dd8448eb211c80319c span b7ad6b7169203331 why=batch"}; !slices.Equal(got, want) {
		t.Errorf("links %q, want %q", got, want)
	}
}
