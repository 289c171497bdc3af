package translate

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	rbacfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/rbac/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/rbac"
)

// splitFilters separates the filters of policies, which are compared by what they decide, from the others.
func splitFilters(t *testing.T, all []any) (policies []*rbac.Filter, others []any) {
	t.Helper()
	for _, one := range all {
		if one.(map[string]any)["name"] != rbac.HTTPFilter {
			others = append(others, one)
			continue
		}
		text, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		var filter hcmv3.HttpFilter
		var config rbacfilterv3.RBAC
		if err := protojson.Unmarshal(text, &filter); err != nil {
			t.Fatal(err)
		}
		if err := filter.GetTypedConfig().UnmarshalTo(&config); err != nil {
			t.Fatal(err)
		}
		compiled, err := rbac.Compile(&config)
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, compiled)
	}
	return policies, others
}

// samples are the values that requests are made of: those in a case's objects, and some near them.
type samples struct {
	random                                           *rand.Rand
	peers, methods, paths, hosts, texts, names, keys []string
	addresses                                        []netip.Addr
	ports                                            []uint16
}

func readSamples(t *testing.T, path string) *samples {
	t.Helper()
	s := &samples{
		random: rand.New(rand.NewPCG(1, 2)), methods: []string{"GET", "POST", "get"}, hosts: []string{"paymentservice", "other"},
		paths: []string{"/", "/hipstershop.PaymentService/Charge", "//hipstershop.PaymentService/Charge", "/HIPSTERSHOP.PaymentService/Charge"},
		texts: []string{"", "other"}, keys: []string{"iss", "sub", "aud", "azp", "groups", "scope"}, ports: []uint16{8080, 50051, 80},
		peers:     []string{"", "spiffe://cluster.local/ns/production/sa/checkoutservice", "spiffe://cluster.local/ns/staging/sa/default", "spiffe://other/ns/production/sa/x"},
		addresses: []netip.Addr{netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("::1")},
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(text), "\n---") {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(document), &node); err != nil {
			t.Fatal(err)
		}
		s.find(&node)
	}
	return s
}

// find collects the values in the rules.
func (s *samples) find(node *yaml.Node) {
	for i, child := range node.Content {
		if i > 0 && node.Content[i-1].Value == "rules" {
			s.collect(child)
			continue
		}
		s.find(child)
	}
}

func (s *samples) collect(node *yaml.Node) {
	for _, child := range node.Content {
		s.collect(child)
	}
	if node.Kind != yaml.ScalarNode || node.Value == "" {
		return
	}
	value := node.Value
	bare := strings.Trim(value, "*")
	for _, v := range []string{value, value, value, value, bare, bare + "x", "x" + bare, strings.ToUpper(bare)} { // what fits, often
		s.texts = append(s.texts, v)
		s.peers = append(s.peers, "spiffe://"+v, "spiffe://cluster.local/ns/"+v+"/sa/checkoutservice", "spiffe://cluster.local/ns/production/sa/"+v)
		s.methods, s.hosts = append(s.methods, v, "POST"), append(s.hosts, v, v+":50051")
		path := strings.NewReplacer("{**}", "a/b", "{*}", "a").Replace(v)
		s.paths = append(s.paths, path, "/"+path, path+"/", path+"?q=1", strings.Replace(path, "a", "%2f", 1))
	}
	if namespace, account, ok := strings.Cut(value, "/"); ok {
		s.peers = append(s.peers, "spiffe://cluster.local/ns/"+namespace+"/sa/"+account)
	}
	if prefix, err := netip.ParsePrefix(value); err == nil {
		s.addresses = append(s.addresses, prefix.Addr(), prefix.Masked().Addr().Next())
	} else if address, err := netip.ParseAddr(value); err == nil {
		s.addresses = append(s.addresses, address, address.Next())
	}
	if port, err := strconv.ParseUint(value, 10, 16); err == nil {
		s.ports = append(s.ports, uint16(port))
	}
	if _, rest, ok := strings.Cut(value, "["); ok {
		for key := range strings.SplitSeq(strings.TrimSuffix(rest, "]"), "][") {
			s.keys, s.names = append(s.keys, key), append(s.names, key)
		}
	}
}

func one[T any](s *samples, all []T) T { return all[s.random.IntN(len(all))] }

// claim is a value of a token's claim: a text, a list, or claims in it.
func (s *samples) claim(depth int) any {
	switch n := s.random.IntN(4); {
	case n == 0:
		return []any{one(s, s.texts), one(s, s.texts)}
	case n == 1 && depth > 0:
		return map[string]any{one(s, s.keys): s.claim(depth - 1)}
	}
	return one(s, s.texts)
}

func (s *samples) request() *rbac.Request {
	http := &field.Request{Method: one(s, s.methods), Scheme: "http", Authority: one(s, s.hosts), Path: one(s, s.paths)}
	for _, name := range s.names {
		if s.random.IntN(2) == 0 {
			http.Fields.Add(strings.ToLower(name), one(s, s.texts))
		}
	}
	r := &rbac.Request{
		HTTP: http, DirectIP: one(s, s.addresses), RemoteIP: one(s, s.addresses), ServerName: one(s, s.hosts),
		Destination: netip.AddrPortFrom(one(s, s.addresses), one(s, s.ports)),
	}
	if peer := one(s, s.peers); peer != "" {
		r.Peer = &rbac.Peer{URIs: []string{peer}}
	}
	if s.random.IntN(4) > 0 {
		claims := map[string]any{}
		for _, key := range s.keys {
			if s.random.IntN(3) > 0 {
				claims[key] = s.claim(2)
			}
		}
		r.Metadata = map[string]map[string]any{tokenFilter: {tokenPayload: claims}}
	}
	return r
}

// comparePolicies asks Istio's filters and ours about the same requests. Filters may be built otherwise, as long as
// they decide alike, by policies of the same names.
func comparePolicies(t *testing.T, dir string, want, got []*rbac.Filter) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("Istio has %d filters of policies, and we %d", len(want), len(got))
	}
	if len(want) == 0 {
		return
	}
	s := readSamples(t, filepath.Join(dir, "in.yaml"))
	decisions := map[string]int{}
	for range 20000 {
		r := s.request()
		for i := range want {
			istio, ours := want[i].Evaluate(r), got[i].Evaluate(r)
			if istio != ours {
				t.Fatalf("filter %d: Istio decides %+v, and we %+v, of %+v, %+v", i, istio, ours, r, r.HTTP)
			}
			decisions[fmt.Sprint(i, istio.Allowed, istio.Policy, istio.Shadow)]++
		}
	}
	t.Logf("decisions: %v", decisions)
	if len(decisions) == len(want) && len(s.texts) > 2 && *golden == flag.Lookup("golden").DefValue {
		t.Errorf("no request was decided otherwise than the others: %v", decisions)
	}
}
