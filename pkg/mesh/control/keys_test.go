package control_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// issued is the text of payment's listener for calls, and the plane that makes it, for tokens of an issuer whose keys are fetched.
func issued(t *testing.T, handler http.HandlerFunc) (listener func() string, uri string) {
	t.Helper()
	issuer := httptest.NewServer(handler)
	t.Cleanup(issuer.Close)
	objects := openStore(t)
	apply(t, objects, fmt.Sprintf(`apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: jwt}
spec:
  jwtRules: [{issuer: "https://id.example", jwksUri: %q}]
`, issuer.URL))
	shop := &observer{newer: make(chan struct{}), state: orchestrator.Snapshot{
		Endpoints: []orchestrator.Endpoint{endpoint},
		Workloads: []orchestrator.Workload{{Key: endpoint.Service, Instances: []orchestrator.Instance{{Name: "payment-1"}}}},
	}}
	plane := control.New(control.Config{
		Objects: objects, Observer: shop, Server: &server{set: map[string]*xds.Resources{}}, Issuers: issuer.Client(), Now: time.Now, Report: func(err error) { t.Error(err) },
	})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { plane.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	plane.Register(payment)
	return func() string {
		r := plane.Resources(payment.ID)
		if r == nil {
			return ""
		}
		for _, l := range r.Listeners {
			if strings.HasPrefix(l.GetName(), "inbound_") {
				return protojson.Format(l)
			}
		}
		return ""
	}, issuer.URL
}

func TestKeysThatArriveLaterConfigureTheSidecarsAgain(t *testing.T) {
	var asked atomic.Int32
	release := make(chan struct{})
	listener, _ := issued(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-release
		fmt.Fprint(w, `{"keys":[{"kty":"oct","kid":"late","k":"AQ"}]}`)
	})
	eventually.True(t, "the issuer is asked", func() bool { return asked.Load() == 1 })
	eventually.True(t, "no token is valid meanwhile", func() bool { return strings.Contains(listener(), `{\"keys\":[]}`) })
	close(release)
	eventually.True(t, "the keys are in force", func() bool { return strings.Contains(listener(), `\"kid\":\"late\"`) })
}

func TestWhyKeysCannotBeFetchedIsToldWithTheListener(t *testing.T) {
	listener, uri := issued(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	eventually.True(t, "the listener names the address and the status", func() bool {
		return strings.Contains(listener(), "fetch keys from "+uri+": status 418")
	})
}
