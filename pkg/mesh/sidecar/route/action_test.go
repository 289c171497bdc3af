package route_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/route"
)

// only compiles one route with an action for all requests.
func only(t testing.TB, action string) *route.Route {
	t.Helper()
	return compile(t, `[{"match": {"prefix": "/"}, `+action+`}]`).Match("catalog", request())
}

func TestEachWeightIsAShareOfTheirSum(t *testing.T) {
	r := only(t, `"route": {"weightedClusters": {"clusters": [{"name": "v1", "weight": 19}, {"name": "v2", "weight": 1}]}}`)
	counts := map[string]int{}
	for i := range uint64(20) {
		counts[r.Pick(func(n uint64) uint64 {
			if n != 20 {
				t.Fatalf("the sum of weights is %d", n)
			}
			return i
		}).Cluster]++
	}
	if counts["v1"] != 19 || counts["v2"] != 1 {
		t.Errorf("the clusters are picked %v times", counts)
	}
}

func TestTheTimeoutOfGRPCIsTheSmallerOfTwo(t *testing.T) {
	const grpc = `"route": {"cluster": "c", "timeout": "2s", "maxGrpcTimeout": "2s", "retryPolicy": {"retryOn": "5xx", "perTryTimeout": "1s"}}`
	const none = `"route": {"cluster": "c", "timeout": "0s", "maxGrpcTimeout": "0s", "retryPolicy": {"retryOn": "5xx", "perTryTimeout": "1s"}}`
	for _, c := range []struct {
		name, action, own string
		want              route.Timeouts
	}{
		{"the route's", grpc, "", route.Timeouts{Total: 2 * time.Second, PerTry: time.Second}},
		{"a smaller one of the request", grpc, "1500m", route.Timeouts{Total: 1500 * time.Millisecond, PerTry: time.Second}},
		{"one attempt is not shorter than the whole: it is ignored", grpc, "1S", route.Timeouts{Total: time.Second}},
		{"a larger one of the request", grpc, "1H", route.Timeouts{Total: 2 * time.Second, PerTry: time.Second}},
		{"none and none", none, "", route.Timeouts{PerTry: time.Second}},
		{"none and the request's", none, "3S", route.Timeouts{Total: 3 * time.Second, PerTry: time.Second}},
		{"one that makes no sense", none, "3", route.Timeouts{PerTry: time.Second}},
		{"one that has passed", none, "0S", route.Timeouts{Total: 1}},
	} {
		r := only(t, c.action)
		if got := r.Timeouts(request("grpc-timeout", c.own)); got != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	r := only(t, grpc)
	plain := request("grpc-timeout", "1S")
	plain.Fields.Set("content-type", "text/plain")
	if got := r.Timeouts(plain); got.Total != 2*time.Second {
		t.Errorf("a request that is not gRPC waits %s", got.Total)
	}
	inbound := only(t, `"route": {"cluster": "c", "timeout": "0s", "maxStreamDuration": {"maxStreamDuration": "0s", "grpcTimeoutHeaderMax": "0s"}}`)
	if got := inbound.Timeouts(request("grpc-timeout", "5S")); got != (route.Timeouts{Stream: 5 * time.Second}) {
		t.Errorf("inbound: %+v", got)
	}
}

func TestTimeoutsOfGRPCAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "4m": 4 * time.Millisecond, "5u": 5 * time.Microsecond, "6n": 6,
		"99999999H": math.MaxInt64, "00000001S": time.Second,
	} {
		if got, ok := route.GRPCTimeout(text); !ok || got != want {
			t.Errorf("%q is %s", text, got)
		}
	}
	for _, bad := range []string{"", "S", "1", "1x", "-1S", "+1S", "1.5S", "123456789S", " 1S", "1s"} {
		if got, ok := route.GRPCTimeout(bad); ok {
			t.Errorf("%q is %s", bad, got)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0n", -1: "0n", 1: "1n", 99999999: "99999999n", 100 * time.Millisecond: "100000u", 3 * time.Hour: "10800000m",
		1000 * time.Hour: "3600000S",
	} {
		if got := route.FormatGRPCTimeout(d); got != want {
			t.Errorf("%s is written %q", d, got)
		}
	}
}

func changed(r *route.Route, req *field.Request) field.Fields {
	f := req.Fields.Clone()
	r.ChangeRequest(r.Pick(nil), &f)
	return f
}

func TestPathAndAuthorityAreRewritten(t *testing.T) {
	for _, c := range []struct{ name, match, action, path, wantPath, wantAuthority string }{
		{"a prefix", `{"prefix": "/a"}`, `{"cluster": "c", "prefixRewrite": "/b", "hostRewriteLiteral": "other"}`, "/a/x?q=1", "/b/x?q=1", "other"},
		{"a whole path", `{"path": "/a"}`, `{"cluster": "c", "prefixRewrite": "/b"}`, "/a?q=1", "/b?q=1", "catalog"},
		{"a path that fits an expression", `{"safeRegex": {"regex": "/a.*"}}`, `{"cluster": "c", "prefixRewrite": "/b"}`, "/abc?q=1", "/b?q=1", "catalog"},
		{"all paths", `{"prefix": "/"}`, `{"cluster": "c", "prefixRewrite": "/b/"}`, "/x", "/b/x", "catalog"},
		{
			"an expression", `{"prefix": "/"}`, `{"cluster": "c", "regexRewrite": {"pattern": {"regex": "/v1/([a-z]+)"}, "substitution": "/\\1/$x"}}`,
			"/v1/cart/v1/ad?q=/v1/b", "/cart/$x/ad/$x?q=/v1/b", "catalog",
		},
	} {
		table := compile(t, `[{"match": `+c.match+`, "route": `+c.action+`}]`)
		req := request(":path", c.path)
		f := changed(table.Match("catalog", req), req)
		if f.Get(":path") != c.wantPath || f.Get(":authority") != c.wantAuthority || f.Get("x-envoy-original-path") != c.path {
			t.Errorf("%s: %v", c.name, f)
		}
	}
	r := only(t, `"route": {"cluster": "c"}`)
	if f := changed(r, request()); !slices.Equal(f, request().Fields) {
		t.Errorf("without a rewrite: %v", f)
	}
}

func TestHeadersAreRemovedThenSetThenAdded(t *testing.T) {
	table := compile(t, `[{"match": {"prefix": "/"},
		"requestHeadersToRemove": ["a", "B"],
		"requestHeadersToAdd": [
			{"header": {"key": "b", "value": "added"}},
			{"header": {"key": "C", "value": "set %REQ(x-user?:authority)% %%"}, "appendAction": "OVERWRITE_IF_EXISTS_OR_ADD"},
			{"header": {"key": "d", "value": "more"}},
			{"header": {"key": "e", "value": "%REQ(nothing)%"}}],
		"responseHeadersToAdd": [{"header": {"key": "x-path", "value": "%REQ(:path)%"}}],
		"responseHeadersToRemove": ["server"],
		"route": {"weightedClusters": {"clusters": [{"name": "v1", "weight": 1,
			"requestHeadersToAdd": [{"header": {"key": "d", "value": "of the cluster"}, "appendAction": "OVERWRITE_IF_EXISTS_OR_ADD"}],
			"responseHeadersToAdd": [{"header": {"key": "x-version", "value": "v1"}}], "hostRewriteLiteral": "v1.catalog"}]}}}]`)
	req := request("a", "1", "b", "2", "c", "3", "d", "4")
	r := table.Match("catalog", req)
	f := changed(r, req)
	for name, want := range map[string]string{"a": "", "b": "added", "c": "set catalog %", "d": "of the cluster,more", ":authority": "v1.catalog"} {
		if got := f.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if f.Has("e") {
		t.Error("an empty value is added")
	}
	response := field.Fields{{Name: ":status", Value: "200"}, {Name: "server", Value: "x"}}
	r.ChangeResponse(r.Pick(nil), req, &response)
	if response.Get("x-version") != "v1" || response.Get("x-path") != "/shop.Catalog/List" || response.Has("server") {
		t.Errorf("the response has %v", response)
	}
}

func TestARedirectNamesTheNewPlace(t *testing.T) {
	for _, c := range []struct {
		redirect, want string
		status         int
	}{
		{`{"hostRedirect": "new", "pathRedirect": "/b"}`, "http://new/b?q=1", 301},
		{`{"pathRedirect": "/b?z", "responseCode": "FOUND"}`, "http://catalog/b?z", 302},
		{`{"schemeRedirect": "https", "portRedirect": 8443, "responseCode": "SEE_OTHER"}`, "https://catalog:8443/a/x?q=1", 303},
		{`{"httpsRedirect": true, "responseCode": "TEMPORARY_REDIRECT"}`, "https://catalog/a/x?q=1", 307},
		{`{"prefixRewrite": "/c", "stripQuery": true, "responseCode": "PERMANENT_REDIRECT"}`, "http://catalog/c/x", 308},
	} {
		table := compile(t, `[{"match": {"prefix": "/a"}, "redirect": `+c.redirect+`}]`)
		req := request(":path", "/a/x?q=1")
		r := table.Match("catalog", req)
		if got := r.Redirect.Location(req); got != c.want || r.Redirect.Status != c.status {
			t.Errorf("%s leads to %s with %d", c.redirect, got, r.Redirect.Status)
		}
		if r.Pick(nil) != nil {
			t.Error("a redirect has a cluster")
		}
	}
}

func TestARouteAnswersItself(t *testing.T) {
	r := only(t, `"directResponse": {"status": 418, "body": {"inlineString": "short"}}`)
	if r.Direct.Status != 418 || r.Direct.Body != "short" {
		t.Errorf("the response is %+v", r.Direct)
	}
}

func TestAMirrorGetsItsShare(t *testing.T) {
	r := only(t, `"route": {"cluster": "c", "requestMirrorPolicies": [
		{"cluster": "all", "disableShadowHostSuffixAppend": true},
		{"cluster": "some", "runtimeFraction": {"defaultValue": {"numerator": 250000, "denominator": "MILLION"}}}]}`)
	if !r.Mirrors[0].Share.Hits(nil) || r.Mirrors[0].Authority("catalog:1") != "catalog:1" {
		t.Errorf("the first mirror is %+v", r.Mirrors[0])
	}
	hits := 0
	for i := range uint64(4) {
		if r.Mirrors[1].Share.Hits(func(n uint64) uint64 { return i * n / 4 }) {
			hits++
		}
	}
	if hits != 1 || r.Mirrors[1].Authority("catalog:1") != "catalog-shadow:1" {
		t.Errorf("the second mirror is hit %d times of 4 as %s", hits, r.Mirrors[1].Authority("catalog:1"))
	}
}

func TestEqualKeysHaveEqualHashes(t *testing.T) {
	r := only(t, `"route": {"cluster": "c", "hashPolicy": [{"header": {"headerName": "X-User"}}]}`)
	a, ok, _ := r.Hash(request("x-user", "alice"), "")
	b, _, _ := r.Hash(request("x-user", "alice", "other", "1"), "")
	c, _, _ := r.Hash(request("x-user", "bob"), "")
	if !ok || a != b || a == c {
		t.Errorf("the hashes are %d, %d and %d", a, b, c)
	}
	if _, ok, _ := r.Hash(request(), ""); ok {
		t.Error("a request without the header has a hash")
	}
	cookie := only(t, `"route": {"cluster": "c", "hashPolicy": [{"cookie": {"name": "seat", "ttl": "60s", "path": "/"}}]}`)
	_, ok, set := cookie.Hash(request("cookie", "a=1"), "")
	if !ok || len(set) == 0 {
		t.Errorf("no cookie is set: %q", set)
	}
	if _, ok, set := cookie.Hash(request("cookie", "a=1; seat=\"abc\""), ""); !ok || set != "" {
		t.Errorf("a cookie is set again: %q", set)
	}
	ip := only(t, `"route": {"cluster": "c", "hashPolicy": [{"connectionProperties": {"sourceIp": true}}]}`)
	if one, ok, _ := ip.Hash(request(), "127.0.0.1"); !ok || one == 0 {
		t.Error("an address has no hash")
	}
}
