package shipping

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

func testServer(t *testing.T) *server {
	t.Helper()
	return replica(t, "", rand.New(rand.NewPCG(1, 2)).IntN)
}

// replica is a server over the record in a directory.
func replica(t *testing.T, dir string, random func(int) int) *server {
	t.Helper()
	sent, err := openParcels(dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sent.close(context.Background()) })
	s, err := newServer(&issuer{now: time.Now, random: random}, sent, false, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func items(quantities ...int32) []*hipstershop.CartItem {
	var items []*hipstershop.CartItem
	for _, q := range quantities {
		items = append(items, &hipstershop.CartItem{ProductId: "6E92ZMYYFZ", Quantity: q})
	}
	return items
}

func headquarters() *hipstershop.Address {
	return &hipstershop.Address{StreetAddress: "1600 Amphitheatre Parkway", City: "Mountain View", State: "CA", Country: "United States", ZipCode: 94043}
}

func TestAParcelCostsOneFlatRateAndNoParcelNothing(t *testing.T) {
	s := testServer(t)
	for _, c := range []struct {
		quantities []int32
		want       string
	}{
		{nil, "0 USD"},
		{[]int32{0, 0}, "0 USD"},
		{[]int32{1}, "8.99 USD"},
		{[]int32{3, 4}, "8.99 USD"},
		{[]int32{2147483647, 2147483647, 2}, "8.99 USD"}, // 2^32: nothing in 32 bits
	} {
		for _, address := range []*hipstershop.Address{nil, headquarters()} {
			got, err := s.GetQuote(t.Context(), &hipstershop.GetQuoteRequest{Address: address, Items: items(c.quantities...)})
			if err != nil || money.Decimal(got.GetCostUsd()) != c.want {
				t.Errorf("quote for %v: %v, %v, want %s", c.quantities, got, err, c.want)
			}
		}
	}
}

func TestWhileShippingIsFreeAQuoteIsForNothing(t *testing.T) {
	service := chassistest.Start(t, Setup, map[string]string{"FREE_SHIPPING": "true"})
	got, err := hipstershop.NewShippingServiceClient(service.Conn()).GetQuote(t.Context(), &hipstershop.GetQuoteRequest{Items: items(3)})
	if err != nil || money.Decimal(got.GetCostUsd()) != "0 USD" {
		t.Errorf("quote: %v, %v", got, err)
	}
	if want := "shop_shipping_free 1"; !strings.Contains(metricsOf(t, service), want) {
		t.Errorf("metrics lack %q", want)
	}
}

func metricsOf(t *testing.T, service *chassistest.Service) string {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	response, err := http.Get("http://" + service.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNegativeQuantitiesAreNotWeighedAgainstOthers(t *testing.T) {
	s := testServer(t)
	if _, err := s.GetQuote(t.Context(), &hipstershop.GetQuoteRequest{Items: items(-1, 1)}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("quote: %v", err)
	}
	if _, err := s.ShipOrder(t.Context(), &hipstershop.ShipOrderRequest{Address: headquarters(), Items: items(-1)}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("ship: %v", err)
	}
}

func TestTrackingIDsHaveTheFormOfTheContract(t *testing.T) {
	s := testServer(t)
	form := regexp.MustCompile(`^[A-Z]{2}-44\d{3}-22\d{7}$`)
	letters := map[byte]bool{}
	for range 2000 {
		got, err := s.ShipOrder(t.Context(), &hipstershop.ShipOrderRequest{Address: headquarters(), Items: items(1)})
		if err != nil || !form.MatchString(got.GetTrackingId()) {
			t.Fatalf("tracking id %q, %v", got.GetTrackingId(), err)
		}
		letters[got.GetTrackingId()[0]], letters[got.GetTrackingId()[1]] = true, true
	}
	if len(letters) != 26 {
		t.Errorf("%d letters are in use, want all 26", len(letters))
	}
}

func TestTrackingIDsCountTheAddressInBytes(t *testing.T) {
	got, err := testServer(t).ShipOrder(t.Context(), &hipstershop.ShipOrderRequest{Address: &hipstershop.Address{City: "Köln"}})
	// ", Köln, " is eight characters and nine bytes.
	if err != nil || !regexp.MustCompile(`^[A-Z]{2}-9\d{3}-4\d{7}$`).MatchString(got.GetTrackingId()) {
		t.Errorf("tracking id %q, %v", got.GetTrackingId(), err)
	}
}

func TestAMissingAddressIsAnErrorAndNotTheEndOfTheService(t *testing.T) {
	service := chassistest.Start(t, Setup, nil)
	client := hipstershop.NewShippingServiceClient(service.Conn())
	_, err := client.ShipOrder(t.Context(), &hipstershop.ShipOrderRequest{Items: items(1)})
	if got := status.Convert(err); got.Code() != codes.InvalidArgument || !strings.Contains(got.Message(), "address is missing") {
		t.Errorf("got %v", err)
	}
	if _, err := client.ShipOrder(t.Context(), &hipstershop.ShipOrderRequest{Address: headquarters()}); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if _, err := client.GetQuote(t.Context(), &hipstershop.GetQuoteRequest{Items: items(1)}); err != nil {
		t.Error(err)
	}
	if want := "shop_shipping_quote_duration_seconds_count 1"; !strings.Contains(metricsOf(t, service), want) {
		t.Errorf("metrics lack %q", want)
	}
}
