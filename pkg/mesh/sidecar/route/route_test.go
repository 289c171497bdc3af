package route_test

import (
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/route"
)

// request is a request to the catalog's List, with further fields.
func request(pairs ...string) *field.Request {
	f := field.Fields{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: "/shop.Catalog/List"},
		{Name: ":authority", Value: "catalog"},
		{Name: "content-type", Value: "application/grpc"},
	}
	for i := 0; i < len(pairs); i += 2 {
		if f.Has(pairs[i]) && pairs[i][0] == ':' {
			f.Set(pairs[i], pairs[i+1])
			continue
		}
		f = append(f, hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	r := field.ReadRequest(f)
	return &r
}

// compile compiles the routes, in JSON, of one virtual host for all domains.
func compile(t testing.TB, routes string) *route.Table {
	t.Helper()
	table, err := tryCompile(t, routes)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func tryCompile(t testing.TB, routes string) (*route.Table, error) {
	t.Helper()
	var config routev3.RouteConfiguration
	text := `{"name": "3550", "virtualHosts": [{"name": "catalog:3550", "domains": ["*"], "routes": ` + routes + `}]}`
	if err := protojson.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	return route.Compile(&config)
}

func TestTheFirstRouteThatFitsCounts(t *testing.T) {
	table := compile(t, `[
		{"name": "canary", "match": {"prefix": "/", "headers": [{"name": "x-canary", "stringMatch": {"exact": "true"}}]}, "route": {"cluster": "v2"}},
		{"name": "rest", "match": {"prefix": "/"}, "route": {"cluster": "v1"}}]`)
	if r := table.Match("catalog", request("x-canary", "true")); r.Name != "canary" || r.Pick(nil).Cluster != "v2" {
		t.Errorf("the route is %q", r.Name)
	}
	if r := table.Match("catalog", request()); r.Name != "rest" {
		t.Errorf("the route is %q", r.Name)
	}
}
