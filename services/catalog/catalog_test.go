package catalog

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

// theNine are the facts of the contract: id, name, price, categories, picture.
const theNine = `OLJCESPC7Z|Sunglasses|19.99 USD|accessories|sunglasses
66VCHSJNUP|Tank Top|18.99 USD|clothing,tops|tank-top
1YMWWN1N4O|Watch|109.99 USD|accessories|watch
L9ECAV7KIM|Loafers|89.99 USD|footwear|loafers
2ZYFJ3GM2N|Hairdryer|24.99 USD|hair,beauty|hairdryer
0PUK6V6EV0|Candle Holder|18.99 USD|decor,home|candle-holder
LS4PSXUNUM|Salt & Pepper Shakers|18.49 USD|kitchen|salt-and-pepper-shakers
9SIQT8TOJO|Bamboo Glass Jar|5.49 USD|kitchen|bamboo-glass-jar
6E92ZMYYFZ|Mug|8.99 USD|kitchen|mug`

func facts(products []*hipstershop.Product) string {
	var lines []string
	for _, p := range products {
		picture := strings.TrimSuffix(strings.TrimPrefix(p.GetPicture(), "/static/img/products/"), ".jpg")
		lines = append(lines, strings.Join([]string{p.GetId(), p.GetName(), money.Decimal(p.GetPriceUsd()), strings.Join(p.GetCategories(), ","), picture}, "|"))
	}
	return strings.Join(lines, "\n")
}

func testServer(t *testing.T, from source, delay time.Duration) *server {
	t.Helper()
	sh, err := newSnapshot(from, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(sh, delay, "v1", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheNineProductsAreServedInTheOrderOfTheContract(t *testing.T) {
	got, err := testServer(t, embedded, 0).ListProducts(t.Context(), &hipstershop.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(theNine, facts(got.GetProducts())); diff != "" {
		t.Error(diff)
	}
	for _, p := range got.GetProducts() {
		if len(p.GetDescription()) < 40 {
			t.Errorf("%s has no description worth reading: %q", p.GetName(), p.GetDescription())
		}
	}
}

func TestAnUnknownProductIsNotFound(t *testing.T) {
	s := testServer(t, embedded, 0)
	for _, id := range []string{"", "nope", "oljcespc7z", "%s%d"} {
		_, err := s.GetProduct(t.Context(), &hipstershop.GetProductRequest{Id: id})
		if got, want := status.Convert(err), "no product with ID "+id; got.Code() != codes.NotFound || got.Message() != want {
			t.Errorf("GetProduct(%q) = %v, want NotFound %q", id, err, want)
		}
	}
}

func TestSearchFindsNamesDescriptionsAndCategoriesWithoutRegardToCase(t *testing.T) {
	s := testServer(t, embedded, 0)
	for query, want := range map[string]string{
		"":            "OLJCESPC7Z 66VCHSJNUP 1YMWWN1N4O L9ECAV7KIM 2ZYFJ3GM2N 0PUK6V6EV0 LS4PSXUNUM 9SIQT8TOJO 6E92ZMYYFZ",
		"accessories": "OLJCESPC7Z 1YMWWN1N4O",
		"KITCHEN":     "LS4PSXUNUM 9SIQT8TOJO 6E92ZMYYFZ",
		"hair":        "2ZYFJ3GM2N",
		"tEa LiGhT":   "0PUK6V6EV0",
		"& pepper":    "LS4PSXUNUM",
		"submarine":   "",
	} {
		got, err := s.SearchProducts(t.Context(), &hipstershop.SearchProductsRequest{Query: query})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, p := range got.GetResults() {
			ids = append(ids, p.GetId())
		}
		if diff := cmp.Diff(want, strings.Join(ids, " ")); diff != "" {
			t.Errorf("search %q: %s", query, diff)
		}
	}
}

func TestExtraLatencyComesBeforeEveryAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testServer(t, embedded, 3*time.Second)
		start := time.Now()
		_, listErr := s.ListProducts(t.Context(), &hipstershop.Empty{})
		_, getErr := s.GetProduct(t.Context(), &hipstershop.GetProductRequest{Id: "OLJCESPC7Z"})
		_, searchErr := s.SearchProducts(t.Context(), &hipstershop.SearchProductsRequest{})
		if err := errors.Join(listErr, getErr, searchErr); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 9*time.Second {
			t.Errorf("three calls took %v, want 9s", took)
		}
	})
}

func TestExtraLatencyEndsWithTheCallersPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testServer(t, embedded, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := s.ListProducts(ctx, &hipstershop.Empty{})
		if took := time.Since(start); took != time.Second || status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("after %v: %v, want DeadlineExceeded after 1s", took, err)
		}
	})
}

func TestABadCatalogIsRefusedAndSaysWhy(t *testing.T) {
	const good = `"name":"A","priceUsd":{"currencyCode":"USD","units":1}`
	for data, want := range map[string]string{
		``:                                     "read catalog: proto",
		`{"products":[{"id":"1","colour":1}]}`: "colour",
		`{"products":[{` + good + `}]}`:        `product 1 "": it has no id`,
		`{"products":[{"id":"1"}]}`:            `product 1 "1": it has no name`,
		`{"products":[{"id":"1","name":"A"}]}`: "read price: invalid amount: it is missing",
		`{"products":[{"id":"1","name":"A","priceUsd":{"currencyCode":"EUR"}}]}`:             "its price is in EUR, not in USD",
		`{"products":[{"id":"1","name":"A","priceUsd":{"currencyCode":"USD","units":-1}}]}`:  "its price is negative",
		`{"products":[{"id":"1",` + good + `},{"id":"1",` + good + `}]}`:                     `product 2 "1": another product has this id`,
		`{"products":[{"id":"1","name":"A","priceUsd":{"currencyCode":"USD","units":"x"}}]}`: "units",
	} {
		_, err := newSnapshot(func() ([]byte, error) { return []byte(data), nil }, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parse %s: %v, want an error with %q", data, err, want)
		}
	}
	if _, err := newSnapshot(file("/nowhere/products.json"), slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), "read catalog: open /nowhere") {
		t.Errorf("a missing file: %v", err)
	}
}

const oneProduct = `{"products":[{"id":"NEW","name":"New","priceUsd":{"currencyCode":"USD","units":"7"}}]}`

func ids(t *testing.T, s *server) string {
	t.Helper()
	list, err := s.ListProducts(t.Context(), &hipstershop.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range list.GetProducts() {
		ids = append(ids, p.GetId())
	}
	return strings.Join(ids, " ")
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAChangedFileIsReadAgainAndABrokenOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "products.json")
	write(t, path, `{"products":[]}`)
	s := testServer(t, file(path), 0)
	ticks, done := make(chan time.Time), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { defer close(done); s.snapshot.watch(ctx, path, ticks) }()
	// Two ticks: the second is only taken when the first has been dealt with.
	look := func() { ticks <- time.Time{}; ticks <- time.Time{} }

	write(t, path, oneProduct)
	look()
	if got := ids(t, s); got != "NEW" {
		t.Errorf("after a change: %q, want NEW", got)
	}
	write(t, path, `{"products":[{"id":"BROKEN"`)
	look()
	if got := ids(t, s); got != "NEW" {
		t.Errorf("after a broken change: %q, want the last good NEW", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	look()
	if got := ids(t, s); got != "NEW" {
		t.Errorf("without its file: %q, want the last good NEW", got)
	}
	write(t, path, strings.ReplaceAll(oneProduct, "NEW", "NEWER"))
	look()
	if got := ids(t, s); got != "NEWER" {
		t.Errorf("after the repair: %q, want NEWER", got)
	}
	cancel()
	<-done
}

func TestSIGUSR1ReadsTheFileForEveryCallUntilSIGUSR2(t *testing.T) {
	reads := 0
	s := testServer(t, func() ([]byte, error) { reads++; return []byte(oneProduct), nil }, 0)
	signals, done := make(chan os.Signal), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { defer close(done); s.snapshot.handleSignals(ctx, signals) }()
	send := func(sig os.Signal) { signals <- sig; signals <- sig }
	count := func() int { before := reads; ids(t, s); ids(t, s); ids(t, s); return reads - before }

	if got := count(); got != 0 {
		t.Errorf("three calls read the file %d times, want 0", got)
	}
	send(syscall.SIGUSR1)
	if got := count(); got != 3 {
		t.Errorf("three calls after SIGUSR1 read the file %d times, want 3", got)
	}
	send(syscall.SIGUSR2)
	if got := count(); got != 0 {
		t.Errorf("three calls after SIGUSR2 read the file %d times, want 0", got)
	}
	cancel()
	<-done
}

func TestReadersAndReloadsDoNotRace(t *testing.T) {
	s := testServer(t, embedded, 0)
	s.snapshot.always.Store(true)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				list, err := s.ListProducts(t.Context(), &hipstershop.Empty{})
				if err != nil || len(list.GetProducts()) != 9 {
					t.Errorf("got %d products and %v", len(list.GetProducts()), err)
				}
				if _, err := s.SearchProducts(t.Context(), &hipstershop.SearchProductsRequest{Query: "mug"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTheServiceSpeaksTheContractOverTheWire(t *testing.T) {
	service := chassistest.Start(t, Setup, nil)
	client := hipstershop.NewProductCatalogServiceClient(service.Conn())
	list, err := client.ListProducts(t.Context(), &hipstershop.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(theNine, facts(list.GetProducts())); diff != "" {
		t.Error(diff)
	}
	if _, err := client.SearchProducts(t.Context(), &hipstershop.SearchProductsRequest{Query: "mug"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	response, err := http.Get("http://" + service.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	metrics, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := "shop_search_duration_seconds_count 1"; !strings.Contains(string(metrics), want) {
		t.Errorf("metrics lack %q", want)
	}
}

func TestSIGUSR1DoesNotEndTheProcess(t *testing.T) {
	service := chassistest.Start(t, Setup, nil)
	client := hipstershop.NewProductCatalogServiceClient(service.Conn())
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !strings.Contains(service.Logs(), "until") {
		if _, err := client.GetProduct(ctx, &hipstershop.GetProductRequest{Id: "6E92ZMYYFZ"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatWasSearchedForIsLoggedAndNeverALongText(t *testing.T) {
	service := chassistest.Start(t, Setup, nil)
	client := hipstershop.NewProductCatalogServiceClient(service.Conn())
	for _, query := range []string{"umbrella", "kitchen", strings.Repeat("ü", 1000)} {
		if _, err := client.SearchProducts(t.Context(), &hipstershop.SearchProductsRequest{Query: query}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{`"query":"umbrella","found":0`, `"query":"kitchen","found":3`, `"query":"` + strings.Repeat("ü", 40) + `..."`} {
		if !strings.Contains(service.Logs(), want) {
			t.Errorf("the log lacks %s:\n%s", want, service.Logs())
		}
	}
}
