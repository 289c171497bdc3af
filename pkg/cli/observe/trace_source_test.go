package observe

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/trace"
)

func TestSpansOfOneTraceAloneAreTaken(t *testing.T) {
	file, err := openTraces("testdata/traces.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, tr := range file.Traces {
		spans, _ := trace.Spans(only(file.data, tr.ID))
		for _, s := range spans {
			if s.Trace != tr.ID {
				t.Errorf("a span of %s in %s", s.Trace, tr.ID)
			}
		}
		total += len(spans)
	}
	if all, _ := trace.Spans(file.data); total != len(all) {
		t.Errorf("%d spans of %d", total, len(all))
	}
}
