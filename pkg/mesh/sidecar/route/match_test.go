package route_test

import (
	"strings"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/route"
)

// fit is whether a route with a match fits a request.
type fit struct {
	name, match string
	request     []string
	want        bool
}

func check(t *testing.T, cases []fit) {
	t.Helper()
	for _, c := range cases {
		table := compile(t, `[{"match": `+c.match+`, "route": {"cluster": "c"}}]`)
		if got := table.Match("catalog", request(c.request...)) != nil; got != c.want {
			t.Errorf("%s: %s fits %v: %t", c.name, c.match, c.request, got)
		}
	}
}

func header(matcher string) string { return `{"prefix": "/", "headers": [` + matcher + `]}` }

func TestHeadersAreMatchedAsEnvoyMatchesThem(t *testing.T) {
	exact := header(`{"name": "x-canary", "stringMatch": {"exact": "true"}}`)
	regex := header(`{"name": "x-user", "stringMatch": {"safeRegex": {"regex": "a|ab+"}}}`)
	present := header(`{"name": "x-canary", "presentMatch": true}`)
	without := header(`{"name": "x-canary", "stringMatch": {"exact": "true"}, "invertMatch": true, "treatMissingHeaderAsEmpty": true}`)
	absent := header(`{"name": "x-canary", "presentMatch": true, "invertMatch": true}`)
	inverted := header(`{"name": "x-canary", "stringMatch": {"exact": "true"}, "invertMatch": true}`)
	check(t, []fit{
		{"an exact value", exact, []string{"x-canary", "true"}, true},
		{"values are case-sensitive", exact, []string{"x-canary", "True"}, false},
		{"a missing header has no value", exact, nil, false},
		{"several values are joined with a comma", exact, []string{"x-canary", "true", "x-canary", "true"}, false},
		{"the joined value is what matches", header(`{"name": "a", "stringMatch": {"exact": "1,2"}}`), []string{"a", "1", "a", "2"}, true},
		{"a prefix", header(`{"name": "a", "stringMatch": {"prefix": "ab"}}`), []string{"a", "abc"}, true},
		{"a suffix", header(`{"name": "a", "stringMatch": {"suffix": "bc"}}`), []string{"a", "abc"}, true},
		{"a part", header(`{"name": "a", "stringMatch": {"contains": "b"}}`), []string{"a", "abc"}, true},
		{"a regular expression fits the whole value", regex, []string{"x-user", "abb"}, true},
		{"a regular expression does not fit a part", regex, []string{"x-user", "abc"}, false},
		{"alternatives do not reach over the ends", regex, []string{"x-user", "xa"}, false},
		{"any value is also an empty one", header(`{"name": "a", "stringMatch": {"safeRegex": {"regex": ".*"}}}`), []string{"a", ""}, true},
		{"presence", present, []string{"x-canary", ""}, true},
		{"presence of what is missing", present, nil, false},
		{"without a value: another one", without, []string{"x-canary", "false"}, true},
		{"without a value: that one", without, []string{"x-canary", "true"}, false},
		{"without a value: missing counts as empty", without, nil, true},
		{"without presence: missing", absent, nil, true},
		{"without presence: present", absent, []string{"x-canary", ""}, false},
		{"inverted without treating missing as empty: missing never fits", inverted, nil, false},
		{"a name with capital letters never fits", header(`{"name": "X-Canary", "stringMatch": {"exact": "true"}}`), []string{"x-canary", "true"}, false},
		{"the method", header(`{"name": ":method", "stringMatch": {"exact": "POST"}}`), nil, true},
		{"the authority", header(`{"name": ":authority", "stringMatch": {"prefix": "cat"}}`), nil, true},
		{"the scheme", header(`{"name": ":scheme", "stringMatch": {"exact": "https"}}`), nil, false},
		{"the path as a header has its query", header(`{"name": ":path", "stringMatch": {"exact": "/a?b=1"}}`), []string{":path", "/a?b=1"}, true},
		{"case does not count where the matcher says so", header(`{"name": "a", "stringMatch": {"exact": "ABC", "ignoreCase": true}}`), []string{"a", "aBc"}, true},
		{"letters beyond ASCII keep their case", header(`{"name": "a", "stringMatch": {"exact": "k", "ignoreCase": true}}`), []string{"a", "\u212a"}, false},
		{
			"all conditions of one match hold",
			header(`{"name": "a", "stringMatch": {"exact": "1"}}, {"name": "b", "stringMatch": {"exact": "2"}}`),
			[]string{"a", "1", "b", "3"},
			false,
		},
	})
}

func TestPathsAreMatchedAsEnvoyMatchesThem(t *testing.T) {
	at := func(path string) []string { return []string{":path", path} }
	check(t, []fit{
		{"a path", `{"path": "/shop.Catalog/List"}`, nil, true},
		{"a path is without its query", `{"path": "/a"}`, at("/a?b=1"), true},
		{"a path is whole", `{"path": "/a"}`, at("/a/"), false},
		{"case counts", `{"path": "/A"}`, at("/a"), false},
		{"case does not count where the route says so", `{"path": "/A", "caseSensitive": false}`, at("/a"), true},
		{"a prefix is a plain one", `{"prefix": "/shop.Cat"}`, nil, true},
		{"case of a prefix does not count where the route says so", `{"prefix": "/SHOP", "caseSensitive": false}`, nil, true},
		{"a prefix of whole parts", `{"pathSeparatedPrefix": "/a"}`, at("/a/b"), true},
		{"a prefix of whole parts is not a part of one", `{"pathSeparatedPrefix": "/a"}`, at("/ab"), false},
		{"a regular expression fits the whole path", `{"safeRegex": {"regex": "/shop.*List"}}`, nil, true},
		{"a regular expression does not see the query", `{"safeRegex": {"regex": "/a"}}`, at("/a?b"), true},
		{"a regular expression does not fit a part", `{"safeRegex": {"regex": "/a"}}`, at("/ab"), false},
	})
}

func TestQueryParametersAreMatched(t *testing.T) {
	query := func(m string) string { return `{"prefix": "/", "queryParameters": [` + m + `]}` }
	at := func(path string) []string { return []string{":path", path} }
	exact := query(`{"name": "v", "stringMatch": {"exact": "2"}}`)
	check(t, []fit{
		{"a value", exact, at("/?v=2"), true},
		{"the first of several counts", exact, at("/?v=1&v=2"), false},
		{"a missing one", exact, at("/"), false},
		{"a fragment is not part of the query", exact, at("/?a#v=2"), false},
		{"presence", query(`{"name": "v", "presentMatch": true}`), at("/?v"), true},
		{"absence", query(`{"name": "v", "presentMatch": false}`), at("/?w"), true},
	})
}

func TestAVirtualHostIsFoundByTheMostExactDomain(t *testing.T) {
	var config routev3.RouteConfiguration
	text := `{"ignorePortInHostMatching": true, "virtualHosts": [
		{"name": "any", "domains": ["*"], "routes": [{"name": "any", "match": {"prefix": "/"}, "route": {"cluster": "c"}}]},
		{"name": "exact", "domains": ["cart", "cart.shop.svc"], "routes": [{"name": "exact", "match": {"prefix": "/"}, "route": {"cluster": "c"}}]},
		{"name": "suffix", "domains": ["*.svc"], "routes": [{"name": "suffix", "match": {"prefix": "/"}, "route": {"cluster": "c"}}]},
		{"name": "longer", "domains": ["*.shop.svc"], "routes": [{"name": "longer", "match": {"prefix": "/"}, "route": {"cluster": "c"}}]},
		{"name": "prefix", "domains": ["cart.*"], "routes": [{"name": "prefix", "match": {"prefix": "/"}, "route": {"cluster": "c"}}]}]}`
	if err := protojson.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	table, err := route.Compile(&config)
	if err != nil {
		t.Fatal(err)
	}
	for authority, want := range map[string]string{
		"cart": "exact", "CART": "exact", "cart:7070": "exact", "cart.shop.svc": "exact", "ad.svc": "suffix", "ad.shop.svc": "longer",
		"cart.example.org": "prefix", ".svc": "any", "other": "any", "": "any",
	} {
		if r := table.Match(authority, request()); r.Name != want {
			t.Errorf("%q meets the virtual host %q, not %q", authority, r.Name, want)
		}
	}
	if n := len(table.Routes()); n != 5 {
		t.Errorf("there are %d routes", n)
	}
}

func TestNoRouteThatFitsIsNil(t *testing.T) {
	table := compile(t, `[{"match": {"path": "/other"}, "route": {"cluster": "c"}}]`)
	if r := table.Match("catalog", request()); r != nil {
		t.Errorf("the route is %q", r.Name)
	}
}

func TestWhatARouteCannotDoIsAnError(t *testing.T) {
	for routes, want := range map[string]string{
		`[{"match": {"prefix": "/", "grpc": {}}, "route": {"cluster": "c"}}]`:                                                          "not supported",
		`[{"match": {"connectMatcher": {}}, "route": {"cluster": "c"}}]`:                                                               "not supported",
		`[{"match": {"safeRegex": {"regex": "("}}, "route": {"cluster": "c"}}]`:                                                        "regular expression",
		`[{"match": {"safeRegex": {"regex": "a)(b"}}, "route": {"cluster": "c"}}]`:                                                     "regular expression",
		`[{"match": {"prefix": "/"}, "route": {"clusterHeader": "x"}}]`:                                                                "not supported",
		`[{"match": {"prefix": "/"}, "route": {"weightedClusters": {"clusters": [{"name": "a"}]}}}]`:                                   "add up to 0",
		`[{"match": {"prefix": "/"}, "route": {"cluster": "c", "retryPolicy": {"retryOn": "5xx,nonsense"}}}]`:                          "nonsense",
		`[{"match": {"prefix": "/"}, "route": {"cluster": "c"}, "requestHeadersToRemove": [":path"]}]`:                                 "cannot be removed",
		`[{"match": {"prefix": "/"}, "route": {"cluster": "c"}, "requestHeadersToAdd": [{"header": {"key": "host"}}]}]`:                "cannot be changed",
		`[{"match": {"prefix": "/"}, "route": {"cluster": "c"}, "requestHeadersToAdd": [{"header": {"key": "a", "value": "%NOW%"}}]}]`: "not supported",
		`[{"match": {"prefix": "/"}, "nonForwardingAction": {}}]`:                                                                      "not supported",
	} {
		if _, err := tryCompile(t, routes); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v", routes, err)
		}
	}
}

func TestAMatchDoesNotAllocate(t *testing.T) {
	table := compile(t, `[
		{"match": {"prefix": "/", "headers": [{"name": "x-canary", "stringMatch": {"exact": "true"}}]}, "route": {"cluster": "v2"}},
		{"match": {"safeRegex": {"regex": "/other/.*"}}, "route": {"cluster": "other"}},
		{"match": {"path": "/shop.Catalog/List"}, "route": {"weightedClusters": {"clusters": [{"name": "a", "weight": 90}, {"name": "b", "weight": 10}]}}}]`)
	r := request("x-canary", "false", "user-agent", "grpc-go")
	random := func(n uint64) uint64 { return n - 1 }
	if n := testing.AllocsPerRun(100, func() {
		found := table.Match("catalog", r)
		if found == nil || found.Pick(random).Cluster != "b" || found.Timeouts(r).Total == 0 || found.Retry.OnResponse(r.Fields) {
			t.Fatal("it is another route")
		}
	}); n > 0 {
		t.Errorf("a match allocates %v times", n)
	}
}

func FuzzMatch(f *testing.F) {
	table := compile(f, `[
		{"match": {"prefix": "/", "headers": [{"name": "x", "stringMatch": {"safeRegex": {"regex": "(a+)+b"}}}], "queryParameters": [{"name": "q", "stringMatch": {"prefix": "1"}}]}, "route": {"cluster": "a"}},
		{"match": {"pathSeparatedPrefix": "/a", "caseSensitive": false}, "route": {"cluster": "b", "prefixRewrite": "/b"}},
		{"match": {"prefix": "/"}, "route": {"cluster": "c", "regexRewrite": {"pattern": {"regex": "^/(.*)$"}, "substitution": "/x/\\1"}}}]`)
	f.Add("catalog:3550", "/a/b?q=1#x", "aaab")
	f.Add("[::1]:1", "", "")
	f.Fuzz(func(t *testing.T, authority, path, value string) {
		r := request(":path", path, "x", value)
		found := table.Match(authority, r)
		if found == nil {
			return
		}
		fields := r.Fields.Clone()
		found.ChangeRequest(found.Pick(nil), &fields)
		found.Timeouts(r)
	})
}

func BenchmarkMatch(b *testing.B) {
	routes := `[{"match": {"prefix": "/", "headers": [{"name": "x-canary", "stringMatch": {"exact": "true"}}]}, "route": {"cluster": "v2"}}, {"match": {"prefix": "/"}, "route": {"cluster": "v1"}}]`
	table := compile(b, routes)
	r := request("user-agent", "grpc-go/1.85.0", "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	for b.Loop() {
		table.Match("catalog", r)
	}
}
