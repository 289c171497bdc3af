package scrape

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
)

func TestATargetWithSeveralServicesDistinguishesThem(t *testing.T) {
	r := newRig(t, Limits{})
	several := target("monolith", serve(t, func() string { return "m{module=\"cart\"} 5\nm 7\n" }))
	several.ServiceFrom = "module"
	several.Labels = labels.NewBuilder(several.Labels).Set("service", "monolith").Labels()
	r.targets = []Target{several}
	r.scrapeAfter(t.Context(), 0)
	if cart, whole := r.last(t, "m", "service", "cart", "job", "monolith"), r.last(t, "m", "service", "monolith"); cart != 5 || whole != 7 {
		t.Errorf("cart %v, the process itself %v", cart, whole)
	}
}
