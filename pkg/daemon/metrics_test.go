package daemon

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/eventually"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// ask evaluates an expression that has at most one series; false if it has none.
func ask(t *testing.T, c *control.Client, expr string) (float64, bool) {
	t.Helper()
	resp, err := c.QueryMetrics(t.Context(), &controlpb.QueryMetricsRequest{Expr: expr})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.GetSeries()) == 0 {
		return 0, false
	}
	return resp.GetSeries()[0].GetSamples()[0].GetValue(), true
}

const upRule = `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: mine}
spec:
  groups:
  - name: g
    interval: 1s
    rules:
    - {record: "mine:up", expr: 'count(up{service="currency"})'}
    - alert: CurrencyIsUp
      expr: mine:up > 0
      annotations: {summary: "{{ $value }} up"}
`

func TestRulesOfAnAppliedObjectAlertUntilItIsDeleted(t *testing.T) {
	c := open(t, home(t), only("currency"))
	await(t, c, "currency is ready", ready)
	file := []*controlpb.File{{Name: "rule.yaml", Content: []byte(upRule)}}
	if _, err := c.Apply(t.Context(), &controlpb.ApplyRequest{Files: file}); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "the alert fires", func() bool {
		resp, err := c.ListAlerts(t.Context(), &controlpb.ListAlertsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return len(resp.GetAlerts()) == 1 && resp.GetAlerts()[0].GetState() == "firing" && resp.GetAlerts()[0].GetAnnotations()["summary"] == "1 up"
	})
	if v, ok := ask(t, c, `ALERTS{alertname="CurrencyIsUp",alertstate="firing"}`); !ok || v != 1 {
		t.Errorf("ALERTS is %v", v)
	}
	if v, ok := ask(t, c, `up{service="currency",job="currencyservice",namespace="production",version="v1"}`); !ok || v != 1 {
		t.Errorf("up is %v", v)
	}
	if v, ok := ask(t, c, `kube_deployment_status_replicas_available{service="currency"}`); !ok || v != 1 {
		t.Errorf("available replicas are %v", v)
	}
	if _, err := c.Delete(t.Context(), &controlpb.DeleteRequest{Kind: "prometheusrule", Names: []string{"mine"}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	events, err := c.Events(ctx, &controlpb.EventsRequest{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for len(reasons) < 2 {
		e, err := events.Recv()
		if err != nil {
			t.Fatalf("events of the alert are %v: %v", reasons, err)
		}
		if strings.Contains(e.GetMessage(), "CurrencyIsUp") {
			reasons = append(reasons, e.GetReason())
		}
	}
	if reasons[0] != "AlertFiring" || reasons[1] != "AlertInactive" {
		t.Errorf("events %v", reasons)
	}
	if v, ok := ask(t, c, "mine:up"); ok {
		t.Errorf("the series of a deleted rule is %v", v)
	}
}

func TestAQueryThatIsWrongIsRefusedWithPlaceAndHint(t *testing.T) {
	c := open(t, home(t), only("currency"))
	for expr, want := range map[string]struct {
		code codes.Code
		text string
		exit int
	}{
		"rate(up)":     {codes.InvalidArgument, "1:6: parse error: expected type range vector", 2},
		"up * on() up": {codes.FailedPrecondition, "many-to-many", 1},
	} {
		await(t, c, "currency is ready", ready)
		eventually.True(t, "there are series", func() bool { n, _ := ask(t, c, "count(up)"); return n >= 2 })
		_, err := c.QueryMetrics(t.Context(), &controlpb.QueryMetricsRequest{Expr: expr})
		if status.Code(err) != want.code || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: %v", expr, err)
		}
		if hint, exit, ok := control.HintOf(err); !ok || hint == "" || exit != want.exit {
			t.Errorf("%s: hint %q, exit %d", expr, hint, exit)
		}
	}
	resp, err := c.QueryMetrics(t.Context(), &controlpb.QueryMetricsRequest{Expr: "upp"})
	if err != nil || len(resp.GetWarnings()) != 1 || !strings.Contains(resp.GetWarnings()[0], `did you mean "up"?`) {
		t.Errorf("%v %v", resp, err)
	}
}

// connect dials a service at its stable address.
func connect(t *testing.T, st *controlpb.StatusResponse, service string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(find(st, service).GetAddress(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestNoSecretOfAnOrderIsInTheMetrics(t *testing.T) {
	c := open(t, home(t), only("checkout"))
	st := await(t, c, "checkout is ready", ready)
	const user, email, card = "somebody-secret", "somebody@example.com", "4432-8015-6152-0454"
	_, err := hipstershop.NewCartServiceClient(connect(t, st, "cart")).AddItem(t.Context(), &hipstershop.AddItemRequest{
		UserId: user, Item: &hipstershop.CartItem{ProductId: "OLJCESPC7Z", Quantity: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = hipstershop.NewCheckoutServiceClient(connect(t, st, "checkout")).PlaceOrder(t.Context(), &hipstershop.PlaceOrderRequest{
		UserId: user, UserCurrency: "USD", Email: email,
		Address:    &hipstershop.Address{StreetAddress: "1 Secret Street", City: "Nowhere", State: "CA", Country: "US", ZipCode: 94043},
		CreditCard: &hipstershop.CreditCardInfo{CreditCardNumber: card, CreditCardCvv: 672, CreditCardExpirationYear: 2039, CreditCardExpirationMonth: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	// One instance is read after the other: that checkout was does not mean that payment was.
	for _, counted := range []string{
		`sum(grpc_server_handled_total{service="checkout",grpc_method="PlaceOrder",grpc_code="OK"})`, `sum(shop_payments_total)`,
	} {
		eventually.True(t, "the order is counted by "+counted, func() bool {
			v, _ := ask(t, c, counted)
			return v == 1
		})
	}
	resp, err := http.Get(st.GetPrometheusUrl() + "/federate?match[]=" + url.QueryEscape(`{__name__!=""}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(text), "shop_payments_total") {
		t.Fatalf("%d bytes are federated: %v", len(text), err)
	}
	for _, secret := range []string{user, email, card, strings.ReplaceAll(card, "-", ""), "Secret Street"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the metrics hold %q", secret)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
