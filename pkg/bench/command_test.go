package bench

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkUp is the time from a built binary to the first order through the storefront, divided by the time in which
// eleven bare processes of that binary listen: the least that eleven services can take. For comparison it also starts
// the services one after the other and waits for each.
func BenchmarkUp(b *testing.B) {
	for b.Loop() {
		var up, bare, serial []time.Duration
		for range 5 {
			s := newShop(b)
			start := time.Now()
			s.up()
			buy(b, s.URL)
			up = append(up, time.Since(start))
			s.down()
			bare = append(bare, bareServices(b))
			serial = append(serial, oneByOne(b))
		}
		b.ReportMetric(median(bare).Seconds(), "s-bare")
		b.ReportMetric(median(serial).Seconds(), "s-one-by-one")
		b.ReportMetric(float64(median(serial))/float64(median(up)), "times-faster")
		b.ReportMetric(median(up).Seconds(), "s-to-first-order")
		check(b, "up to the first order", float64(median(up))/float64(median(bare)))
	}
}

// bareServices is the time in which one process for each service listens, started all at once and without a shop around
// them. Their neighbors' addresses lead nowhere.
func bareServices(b *testing.B) time.Duration {
	b.Helper()
	env := []string{"PORT=0", "METRICS_PORT=0", "LISTEN_HOST=127.0.0.1", "GOMAXPROCS=1"}
	for _, name := range []string{"REDIS", "FRONTEND", "PRODUCT_CATALOG_SERVICE", "CURRENCY_SERVICE", "CART_SERVICE", "RECOMMENDATION_SERVICE", "SHIPPING_SERVICE", "CHECKOUT_SERVICE", "AD_SERVICE", "EMAIL_SERVICE", "PAYMENT_SERVICE"} {
		env = append(env, name+"_ADDR=127.0.0.1:9")
	}
	var all []*exec.Cmd
	var logs []io.ReadCloser
	start := time.Now()
	for _, name := range []string{
		"ad", "cart", "catalog", "checkout", "currency", "email", "frontend", "payment", "recommendation", "shipping", "loadgenerator",
	} {
		cmd := exec.CommandContext(b.Context(), binary, "service", "run", name)
		cmd.Env = env
		log, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		all, logs = append(all, cmd), append(logs, log)
	}
	defer func() {
		for _, cmd := range all {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	for i, log := range logs {
		lines := bufio.NewScanner(log)
		for listens := false; !listens; listens = strings.Contains(lines.Text(), `"listening"`) {
			if !lines.Scan() {
				b.Fatalf("%v ended before it listened", all[i].Args)
			}
		}
	}
	return time.Since(start)
}

// oneByOne brings the same shop up a service at a time, each ready before the next begins.
func oneByOne(b *testing.B) time.Duration {
	b.Helper()
	s := newShop(b)
	start := time.Now()
	s.run("up", "--only", "redis-cart")
	for _, name := range []string{
		"catalog", "currency", "shipping", "payment", "email", "ad", "cart", "recommendation", "checkout", "frontend", "loadgenerator",
	} {
		s.run("start", name, "--wait")
	}
	s.read()
	buy(b, s.URL)
	took := time.Since(start)
	s.down()
	return took
}

// buy places an order as a browser does.
func buy(b *testing.B, base string) {
	b.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	post(b, client, base+"/cart", url.Values{"product_id": {"OLJCESPC7Z"}, "quantity": {"1"}})
	form := url.Values{
		"email": {"someone@example.com"}, "street_address": {"1600 Amphitheatre Parkway"}, "zip_code": {"94043"}, "city": {"Mountain View"},
		"state": {"CA"}, "country": {"United States"}, "credit_card_number": {"4432801561520454"}, "credit_card_expiration_month": {"1"},
		"credit_card_expiration_year": {strconv.Itoa(time.Now().Year() + 1)}, "credit_card_cvv": {"672"},
	}
	page := post(b, client, base+"/cart/checkout", form)
	if !regexp.MustCompile(`[A-Z]{2}-\d+-\d+`).MatchString(page) {
		b.Fatalf("no tracking number on the page after the order:\n%.2000s", page)
	}
}

func post(b *testing.B, client *http.Client, to string, form url.Values) string {
	b.Helper()
	res, err := client.PostForm(to, form)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		b.Fatalf("POST %s: %s\n%.2000s", to, res.Status, body)
	}
	return string(body)
}

// BenchmarkCall runs one call as a command, in turn with grpcurl's own command.
func BenchmarkCall(b *testing.B) {
	grpcurl := filepath.Join(b.TempDir(), "grpcurl")
	if err := build(grpcurl, "github.com/fullstorydev/grpcurl/cmd/grpcurl", nil, "-modfile=../../tools/grpcurl/go.mod"); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s := startShop(b)
		var ours, theirs []time.Duration
		for range 61 {
			ours = append(ours, s.timed(binary, "call", "catalog", "ListProducts"))
			theirs = append(theirs, s.timed(grpcurl, "-plaintext", s.addr("catalog"), "hipstershop.ProductCatalogService/ListProducts"))
		}
		b.ReportMetric(ms(median(ours)), "ms-shopctl")
		b.ReportMetric(ms(median(theirs)), "ms-grpcurl")
		check(b, "call", float64(median(ours))/float64(median(theirs)))
	}
}

// BenchmarkVersion is the cost of starting the binary.
func BenchmarkVersion(b *testing.B) {
	for b.Loop() {
		s := newShop(b)
		var took []time.Duration
		for range 21 {
			took = append(took, s.timed(binary, "version"))
		}
		check(b, "version", ms(median(took)))
	}
}

func (s *shop) timed(command string, args ...string) time.Duration {
	s.b.Helper()
	cmd := exec.Command(command, args...)
	cmd.Env = s.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		s.b.Fatalf("%s %v: %v\n%s", command, args, err, stderr.String())
	}
	return time.Since(start)
}

func median(d []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
