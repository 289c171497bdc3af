package serviceaddr_test

import (
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/serviceaddr"
)

func TestAHostApartFromItsPortInACommandSaysWhatToWrite(t *testing.T) {
	for _, tc := range []struct {
		words []string
		want  string
	}{
		{[]string{"--host", "redis-cart", "--port", "6379"}, "redis-cart:6379"},
		{[]string{"--port", "6379", "--host", "redis-cart"}, "redis-cart:6379"},
		{[]string{"--host=redis-cart", "--port=6379"}, "redis-cart:6379"},
		{[]string{"-redis.host", "redis-cart", "-redis.port", "6379"}, "redis-cart:6379"},
		{[]string{"--redis-addr=redis-cart.production.svc.cluster.local."}, "redis-cart.production.svc.cluster.local.:6379"},
		{[]string{"redis-cli", "-h", "redis-cart", "-p", "6379", "ping"}, "redis-cart:6379"},
		{[]string{"redis-cli", "-h", "redis-cart"}, "redis-cart:6379"},
		{[]string{"nc", "-z", "redis-cart", "6379"}, "redis-cart:6379"},
		{[]string{"nc", "queue.staging", "4222"}, "queue.staging:4222"},
		{[]string{"sh", "-c", "until nc -z redis-cart 6379; do sleep 1; done; exec app"}, "redis-cart:6379"},
		{[]string{"sh", "-c", `nc "redis-cart" "6379"`}, "redis-cart:6379"},
		{[]string{"sh", "-c", "x=$(redis-cli -h redis-cart)"}, "redis-cart:6379"},
		{[]string{"psql", "-h", "db", "-p", "3306"}, "db:3306"},
	} {
		problems := serviceaddr.Apart(tc.words, "production", services)
		if len(problems) != 1 || !strings.Contains(problems[0], "write "+tc.want+" as one word") {
			t.Errorf("%q: %q, want %s", tc.words, problems, tc.want)
		}
	}
	got := serviceaddr.Apart([]string{"nc", "redis-cart", "6379"}, "production", services)
	want := "the Service redis-cart has another address here, and a name apart from its port is not replaced; write redis-cart:6379 as one word, " +
		"or set the variables REDIS_CART_HOST to redis-cart and REDIS_CART_PORT to 6379 and write $(REDIS_CART_HOST) and $(REDIS_CART_PORT)"
	if len(got) != 1 || got[0] != want {
		t.Errorf("%q", got)
	}
}

func TestAWordOfACommandThatIsNoAddressIsNoProblem(t *testing.T) {
	for _, words := range [][]string{
		{"cartservice"},
		{"frontend", "81"},
		{"--name", "frontend"},
		{"--name=frontend", "80x"},
		{"echo frontend 80.5"},
		{"--addr=cartservice:7070"},
		{"-h"},
		{"--host"},
		{"--host", "localhost", "--port", "6379"},
		{"--host", "frontend.example", "--port", "80"},
		{"my-redis-cart", "6379"},
		{"/redis-cart", "6379"},
		{"redis-cart/x", "6379"},
		{"--ghost", "redis-cart"},
		{"http://frontend", "80"},
		nil,
		{""},
	} {
		if problems := serviceaddr.Apart(words, "production", services); len(problems) > 0 {
			t.Errorf("%q: %q", words, problems)
		}
	}
}

func TestAHostWithoutItsPortInAFileSaysWhatToWrite(t *testing.T) {
	for text, want := range map[string]string{
		"redis:\n  host: redis-cart\n  port: 6379\n":         "redis-cart:6379",
		"redis.host=redis-cart\nredis.port=6379":             "redis-cart:6379",
		`{"redisHost": "redis-cart", "redisPort": 6379}`:     "redis-cart:6379",
		"[queue]\nserver = \"queue.staging\"  # the queue\n": "queue.staging:5672",
		"host: redis-cart:6379":                              "",
		"host: localhost":                                    "",
		"name: redis-cart":                                   "",
		"url: http://frontend/x":                             "",
		"# the host is redis-cart":                           "",
	} {
		problems := serviceaddr.ApartInFile(text, "production", services)
		if want == "" && len(problems) > 0 || want != "" && (len(problems) != 1 || !strings.Contains(problems[0], "write "+want+" as one value")) {
			t.Errorf("%q: %q, want %q", text, problems, want)
		}
	}
}
