package chassis_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
)

// relayed calls the service ad by a relay whose environment has these propagators, and returns the spans by
// service and kind of parent: "relay under the caller", "adservice under relay", "adservice under none".
func relayed(t *testing.T, propagators string) (spans map[string]chassistest.Span, front *chassistest.Service) {
	t.Helper()
	sink := chassistest.NewSink(t)
	noting := map[string]string{"BAGGAGE_ATTRIBUTES": " customer, campaign,"}
	back := chassistest.Start(t, serving(noAds), noting, chassistest.WithSink(sink), chassistest.WithName("adservice"))
	front = chassistest.Start(t, relay(), map[string]string{"AD_SERVICE_ADDR": back.Addr, "OTEL_PROPAGATORS": propagators}, chassistest.WithSink(sink), chassistest.WithName("relay"))
	const caller = "b7ad6b7169203331"
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-0af7651916cd43dd8448eb211c80319c-"+caller+"-01", "baggage", "customer=gold,secret=x")
	if err := get(t, ctx, front); err != nil {
		t.Fatal(err)
	}
	all := sink.Wait(t, func(s []chassistest.Span) bool { return len(s) >= 3 })
	spans = map[string]chassistest.Span{}
	for _, s := range all {
		under := "none"
		if i := slices.IndexFunc(all, func(up chassistest.Span) bool { return up.ID() == s.Parent() && up.Trace() == s.Trace() }); i >= 0 {
			under = all[i].Service
		} else if s.Parent() == caller {
			under = "the caller"
		}
		spans[s.Service+" under "+under] = s
	}
	return spans, front
}

func TestWhatACallCarriesAlongIsWhatThePropagatorsSay(t *testing.T) {
	for _, tt := range []struct {
		propagators string
		relay, ad   string
		customer    string
	}{
		{"", "relay under the caller", "adservice under relay", "gold"},
		{"tracecontext,baggage", "relay under the caller", "adservice under relay", "gold"},
		{"tracecontext", "relay under the caller", "adservice under relay", ""},
		{" Baggage ", "relay under none", "adservice under none", "gold"},
		{"none", "relay under none", "adservice under none", ""},
		{"tracecontext,none", "relay under none", "adservice under none", ""},
		{"b3", "relay under none", "adservice under none", ""},
	} {
		t.Run(tt.propagators, func(t *testing.T) {
			spans, front := relayed(t, tt.propagators)
			relay, inside := spans[tt.relay], spans["relay under relay"]
			ad, ok := spans[tt.ad]
			if relay.Service == "" || inside.Service == "" || !ok {
				t.Fatalf("want %s and %s: %v", tt.relay, tt.ad, spans)
			}
			if got := ad.Attr("customer"); got != tt.customer {
				t.Errorf("the customer is noted as %q, want %q", got, tt.customer)
			}
			if ad.Attr("secret") != "" || ad.Attr("campaign") != "" || relay.Attr("customer") != "" {
				t.Errorf("baggage that was not configured became an attribute: %v", spans)
			}
			if warned := strings.Contains(front.Logs(), `"unknown":"b3"`); warned != (tt.propagators == "b3") {
				t.Errorf("log: %s", front.Logs())
			}
		})
	}
}
