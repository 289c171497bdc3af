package serviceaddr_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/serviceaddr"
)

func TestHostAndPortInTwoVariablesAreAPair(t *testing.T) {
	for _, tc := range []struct{ host, hostValue, port, portValue string }{
		{"REDIS_HOST", "redis-cart", "REDIS_PORT", "6379"},
		{"REDIS_HOSTNAME", "redis-cart", "REDIS_PORT", "6379"},
		{"REDIS_SERVER", "redis-cart.production", "REDIS_PORT", "6379"},
		{"REDIS_ADDR", "Redis-Cart", "REDIS_PORT", "6379"},
		{"REDISHOST", "redis-cart.", "REDISPORT", "6379"},
		{"redis_host", "redis-cart", "redis_port", "6379"},
		{"spring.data.redis.host", "redis-cart.production.svc.cluster.local", "spring.data.redis.port", "6379"},
		{"CACHE_SERVICE_HOST", "redis-cart", "CACHE_SERVICE_PORT", "6379"},
	} {
		values := map[string]string{tc.host: tc.hostValue, tc.port: tc.portValue, "OTHER": "x"}
		pairs, problems := serviceaddr.Pairs([]string{"OTHER", tc.port, tc.host}, values, "production", services)
		want := []serviceaddr.Pair{{Host: tc.host, Port: tc.port, Service: serviceaddr.Service{Namespace: "production", Name: "redis-cart"}, Number: 6379}}
		if diff := cmp.Diff(want, pairs); diff != "" || len(problems) > 0 {
			t.Errorf("%s: %s%v", tc.host, diff, problems)
		}
	}
}

func TestAHostWithoutItsPortSaysWhatToWrite(t *testing.T) {
	for _, tc := range []struct {
		values map[string]string
		name   string
		want   string
	}{
		{
			map[string]string{"REDIS_HOST": "redis-cart"},
			"REDIS_HOST",
			"it names the Service redis-cart without its port, which is another one here; set REDIS_PORT beside it to 6379, or use a single variable with redis-cart:6379",
		},
		{map[string]string{"REDIS_HOST": "redis-cart", "REDIS_PORT": "6380"}, "REDIS_PORT", "service redis-cart has no port 6380, but 6379"},
		{map[string]string{"DB_HOST": "db", "DB_PORT": "1"}, "DB_PORT", "service db has no port 1, but 3306, 5432"},
	} {
		var names []string
		for n := range tc.values {
			names = append(names, n)
		}
		pairs, problems := serviceaddr.Pairs(names, tc.values, "production", services)
		if len(pairs) > 0 || len(problems) != 1 || problems[tc.name] != tc.want {
			t.Errorf("%v: %v %q", tc.values, pairs, problems)
		}
	}
	for _, values := range []map[string]string{
		{"HOST": "redis-cart", "PORT": "6379"},
		{"REDIS_HOST": "elsewhere.example", "REDIS_PORT": "6379"},
		{"REDIS_HOST": "127.0.0.1"},
		{"MODE": "frontend"},
		{"REDIS_HOST": "redis cart"},
		{"REDIS_HOST": ""},
	} {
		pairs, problems := serviceaddr.Pairs([]string{"HOST", "PORT", "REDIS_HOST", "REDIS_PORT", "MODE"}, values, "production", services)
		if len(pairs) > 0 || len(problems) > 0 {
			t.Errorf("%v: %v %v", values, pairs, problems)
		}
	}
}

func TestAnAddressOfNoServiceIsStray(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		stray       bool
	}{
		{"CACHE_ADDR", "nosuch:1234", true},
		{"CACHE_URL", "redis://u:p@nosuch:1234/0", true},
		{"cache.endpoint", "http://nosuch:80", true},
		{"CACHE_ADDR", "redis-cart:6379", false},
		{"CACHE_ADDR", "localhost:6379", false},
		{"CACHE_ADDR", "10.0.0.1:6379", false},
		{"CACHE_ADDR", "cache.example.com:6379", false},
		{"IMAGE", "nosuch:1234", false},
		{"GREETING", "nosuch:1234", false},
	} {
		m, ok := serviceaddr.Stray(tc.name, tc.value, "production", services)
		if ok != tc.stray {
			t.Errorf("%s=%s: %v %v", tc.name, tc.value, m, ok)
		}
		if want := `there is no Service "nosuch" in namespace "production"`; ok && m.Problem(services, nil) != want {
			t.Errorf("%s", m.Problem(services, nil))
		}
	}
}
