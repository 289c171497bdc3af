package promapi

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/observe/alert"
	"github.com/shopctl/shopctl/pkg/observe/query"
	"github.com/shopctl/shopctl/pkg/observe/scrape"
	"github.com/shopctl/shopctl/pkg/observe/tsdb"
	"github.com/shopctl/shopctl/pkg/rule"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers over a small store: orders_total of two services, up to now.
func serve(t *testing.T, now time.Time) *httptest.Server {
	t.Helper()
	db := tsdb.New(tsdb.Config{})
	db.Describe("orders", tsdb.Metadata{Type: "counter", Help: "Orders."})
	for i := range int64(13) {
		a := db.Appender()
		for n, service := range []string{"cart", "checkout"} {
			ls := labels.FromStrings(model.MetricNameLabel, "orders_total", "instance", "i", "service", service)
			if _, err := a.Append(0, ls, now.Add(time.Duration(i-12)*5*time.Second).UnixMilli(), float64(10*i*int64(n+1))); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = a.Append(0, labels.FromStrings(model.MetricNameLabel, "odd", "a", "x\"\\\n"), now.Add(time.Duration(i-12)*5*time.Second).UnixMilli(), math.NaN())
		a.Close()
	}
	engine := query.New(db)
	rules := alert.New(alert.Config{DB: db, Now: func() time.Time { return now }, Query: func(ctx context.Context, expr string, at time.Time) (out promql.Vector, err error) {
		err = engine.Instant(ctx, expr, at, func(a query.Result) error {
			out = append(out, a.Value.(promql.Vector)...)
			return nil
		})
		return out, err
	}})
	rules.Set([]alert.Object{{Name: "production/shop", Spec: rule.Spec{Groups: []rule.Group{{Name: "g", Rules: []rule.Rule{
		{Record: "all:orders", Expr: intstr.FromString("sum(orders_total)")},
		{Alert: "Orders", Expr: intstr.FromString("sum(orders_total) > 1"), Labels: map[string]string{"severity": "page"}, Annotations: map[string]string{"summary": "{{ $value }} orders"}},
	}}}}}}, now)
	rules.Evaluate(t.Context(), now)
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "own"}, func() float64 { return 7 }))
	srv := httptest.NewServer(New(Config{
		Query: engine, DB: db, Rules: rules, Own: registry, Now: func() time.Time { return now }, Version: "v1",
		Targets: func() []scrape.Status {
			return []scrape.Status{{Target: scrape.Target{Addr: "127.0.0.1:1", Labels: labels.FromStrings("job", "cart")}, Health: scrape.Up, Last: now}}
		},
	}))
	t.Cleanup(func() { srv.Close(); engine.Close() })
	return srv
}

func fixed() time.Time { return time.Unix(1_000_000, 500e6) }

func get(t *testing.T, target string) (int, string) {
	t.Helper()
	resp, err := http.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAnswersHaveTheShapeOfPrometheus(t *testing.T) {
	srv := serve(t, fixed())
	for path, want := range map[string]string{
		"query?query=orders_total{service=\"cart\"}": `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"orders_total","instance":"i","service":"cart"},"value":[1000000.5,"120"]}]}}`,
		"query?query=1.5&time=5":                     `{"status":"success","data":{"resultType":"scalar","result":[5,"1.5"]}}`,
		`query?query="a\"b"&time=5.25`:               `{"status":"success","data":{"resultType":"string","result":[5.25,"a\"b"]}}`,
		"query?query=nothing":                        `{"status":"success","data":{"resultType":"vector","result":[]}}`,
		"query?query=vector(1e-7)*1e30&time=0":       `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[0,"1e+23"]}]}}`,
		"query_range?query=sum(orders_total)&start=999990.5&end=1000000.5&step=5s": `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[999990.5,"300"],[999995.5,"330"],[1000000.5,"360"]]}]}}`,
		"labels?match[]=orders_total":                    `{"status":"success","data":["__name__","instance","service"]}`,
		"label/service/values":                           `{"status":"success","data":["cart","checkout"]}`,
		"label/none/values":                              `{"status":"success","data":[]}`,
		"label/service/values?limit=1":                   `{"status":"success","data":["cart"],"warnings":["results truncated due to limit"]}`,
		"series?match[]=orders_total{service=~\"ca.*\"}": `{"status":"success","data":[{"__name__":"orders_total","instance":"i","service":"cart"}]}`,
		"metadata":             `{"status":"success","data":{"orders":[{"type":"counter","help":"Orders.","unit":""}]}}`,
		"metadata?metric=none": `{"status":"success","data":{}}`,
		"alerts":               `{"status":"success","data":{"alerts":[{"labels":{"alertname":"Orders","severity":"page"},"annotations":{"summary":"360 orders"},"state":"firing","activeAt":"1970-01-12T13:46:40.5Z","value":"3.6e+02"}]}}`,
		"rules?type=record":    `{"status":"success","data":{"groups":[{"name":"g","file":"production/shop","rules":[{"name":"all:orders","query":"sum(orders_total)","labels":{},"health":"ok","evaluationTime":0,"lastEvaluation":"1970-01-12T13:46:40.5Z","type":"recording"}],"interval":15,"limit":0,"evaluationTime":0,"lastEvaluation":"1970-01-12T13:46:40.5Z"}]}}`,
		"query?query=rate(":    `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:6: parse error: unclosed left parenthesis"}`,
		"query?query=1&time=x": `{"status":"error","errorType":"bad_data","error":"invalid parameter \"time\": cannot parse \"x\" to a valid timestamp"}`,
		"series":               `{"status":"error","errorType":"bad_data","error":"no match[] parameter provided"}`,
		"nothing":              `{"status":"error","errorType":"not_found","error":"there is no GET /api/v1/nothing here"}`,
		"query_range?query=1&start=0&end=9&step=0": `{"status":"error","errorType":"bad_data","error":"invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer"}`,
	} {
		name, params, _ := strings.Cut(path, "?")
		values := url.Values{}
		for _, pair := range strings.Split(params, "&") {
			if k, v, ok := strings.Cut(pair, "="); ok {
				values.Add(k, v)
			}
		}
		status, got := get(t, srv.URL+"/api/v1/"+name+"?"+values.Encode())
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", path, d)
		}
		if ok := strings.HasPrefix(want, `{"status":"success"`); ok != (status == http.StatusOK) {
			t.Errorf("%s: status %d", path, status)
		}
		if strings.HasPrefix(name, "query") && name != "nothing" || name == "series" {
			resp, err := http.PostForm(srv.URL+"/api/v1/"+name, values)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(body) != got {
				t.Errorf("POST %s: %s", path, body)
			}
		}
	}
}

func TestRulesAndTargetsAreListedAsInPrometheus(t *testing.T) {
	srv := serve(t, fixed())
	_, rules := get(t, srv.URL+"/api/v1/rules")
	for _, part := range []string{`"type":"alerting"`, `"state":"firing"`, `"duration":0`, `"keepFiringFor":0`, `"labels":{"severity":"page"}`, `"annotations":{"summary":"{{ $value }} orders"}`, `"alerts":[{"labels"`} {
		if !strings.Contains(rules, part) {
			t.Errorf("rules lack %s: %s", part, rules)
		}
	}
	_, targets := get(t, srv.URL+"/api/v1/targets")
	for _, part := range []string{`"activeTargets":[{"discoveredLabels":{"__address__":"127.0.0.1:1"},"labels":{"job":"cart"},"scrapePool":"cart","scrapeUrl":"http://127.0.0.1:1/metrics"`, `"health":"up"`, `"droppedTargets":[]`} {
		if !strings.Contains(targets, part) {
			t.Errorf("targets lack %s: %s", part, targets)
		}
	}
	var info struct{ Data map[string]string }
	_, build := get(t, srv.URL+"/api/v1/status/buildinfo")
	if err := json.Unmarshal([]byte(build), &info); err != nil || info.Data["version"] == "" {
		t.Errorf("build info %s: %v", build, err)
	}
}

func TestTheNewestSampleOfEverySeriesIsFederated(t *testing.T) {
	srv := serve(t, fixed())
	_, got := get(t, srv.URL+`/federate?match[]={__name__=~"o.*"}&match[]=orders_total`)
	want := `# TYPE odd untyped
odd{a="x\"\\\n",instance=""} NaN 1000000500
# TYPE orders_total untyped
orders_total{instance="i",service="cart"} 120 1000000500
orders_total{instance="i",service="checkout"} 240 1000000500
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if status, body := get(t, srv.URL+"/federate?match[]=}"); status != http.StatusBadRequest {
		t.Errorf("%d %s", status, body)
	}
	if _, own := get(t, srv.URL+"/metrics"); !strings.Contains(own, "own 7\n") {
		t.Errorf("own metrics: %s", own)
	}
	for path, want := range map[string]int{"/-/ready": 200, "/-/healthy": 200, "/": 200, "/graph": 404, "/api/v2/x": 404} {
		if status, _ := get(t, srv.URL+path); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestOnlyProgramsOfThisMachineAreServed(t *testing.T) {
	srv := serve(t, fixed())
	own := srv.Listener.Addr().String()
	for name, c := range map[string]struct {
		host, header, value string
		want                int
	}{
		"plain":               {own, "", "", 200},
		"localhost":           {"LOCALHOST:9090", "", "", 200},
		"IPv6":                {"[::1]:9090", "", "", 200},
		"no port":             {"127.0.0.1", "", "", 200},
		"another name":        {"evil.example", "", "", 403},
		"a name like ours":    {"localhost.evil.example:9090", "", "", 403},
		"another address":     {"10.0.0.1:9090", "", "", 403},
		"own origin":          {own, "Origin", "http://" + own, 200},
		"another origin":      {own, "Origin", "http://evil.example", 403},
		"another port":        {own, "Origin", "http://127.0.0.1:1", 403},
		"no origin":           {own, "Origin", "null", 403},
		"https of that name":  {own, "Origin", "https://" + own, 403},
		"another site's page": {own, "Sec-Fetch-Site", "cross-site", 403},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/api/v1/labels", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		if c.header != "" {
			req.Header.Set(c.header, c.value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", name, resp.StatusCode, c.want)
		}
	}
}

func TestALargeFormIsRefused(t *testing.T) {
	srv := serve(t, fixed())
	resp, err := http.PostForm(srv.URL+"/api/v1/query", url.Values{"query": {strings.Repeat("1+", maxForm)}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestAMethodThatAPathDoesNotHaveIsNamedWithThoseThatItHas(t *testing.T) {
	srv := serve(t, fixed())
	for request, want := range map[string]string{
		"DELETE /api/v1/query": "GET, HEAD, POST", "PUT /api/v1/rules": "GET, HEAD", "POST /api/v1/label/job/values": "GET, HEAD", "DELETE /api/v1/none": "",
	} {
		method, path, _ := strings.Cut(request, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		status := http.StatusMethodNotAllowed
		if want == "" {
			status = http.StatusNotFound
		}
		if resp.StatusCode != status || resp.Header.Get("Allow") != want {
			t.Errorf("%s: %s, Allow %q", request, resp.Status, resp.Header.Get("Allow"))
		}
	}
}
