package serviceaddr_test

import (
	"slices"
	"testing"

	"github.com/shopctl/shopctl/pkg/serviceaddr"
)

// services are those of the tests' shop.
func services(s serviceaddr.Service) ([]int32, bool) {
	ports, ok := map[serviceaddr.Service][]int32{
		{Namespace: "production", Name: "cartservice"}: {7070},
		{Namespace: "production", Name: "redis-cart"}:  {6379},
		{Namespace: "production", Name: "frontend"}:    {80},
		{Namespace: "production", Name: "db"}:          {5432, 3306},
		{Namespace: "staging", Name: "frontend"}:       {80, 8080},
		{Namespace: "staging", Name: "queue"}:          {5672, 4222},
	}[s]
	return ports, ok
}

// translate replaces each address as a pod in production gets it: C, R, F, D, SF and SQ for the Services.
func translate(text string, kind serviceaddr.Kind) string {
	short := map[serviceaddr.Service]string{
		{Namespace: "production", Name: "cartservice"}: "C", {Namespace: "production", Name: "redis-cart"}: "R", {Namespace: "production", Name: "frontend"}: "F",
		{Namespace: "production", Name: "db"}: "D", {Namespace: "staging", Name: "frontend"}: "SF", {Namespace: "staging", Name: "queue"}: "SQ",
	}
	for _, m := range slices.Backward(serviceaddr.Find(text, "production", kind, services)) {
		if m.Known {
			text = text[:m.Start] + short[m.Service] + text[m.End:]
		}
	}
	return text
}

func TestAddressesOfServicesAreFoundInEveryForm(t *testing.T) {
	for _, tc := range [][2]string{
		{"cartservice:7070", "C"},
		{"CartService:7070", "C"},
		{"cartservice.:7070", "C"},
		{"cartservice.production:7070", "C"},
		{"cartservice.production.svc:7070", "C"},
		{"cartservice.production.svc.cluster.local:7070", "C"},
		{"cartservice.production.svc.cluster.local.:7070", "C"},
		{"frontend.staging:8080", "SF"},
		{"dns:///cartservice:7070", "dns:///C"},
		{"dns:cartservice:7070", "dns:C"},
		{"dns:/cartservice:7070", "dns:/C"},
		{"dns://8.8.8.8/cartservice:7070", "dns://8.8.8.8/C"},
		{"dns://resolver:53/cartservice:7070", "dns://resolver:53/C"},
		{"passthrough:///cartservice:7070", "passthrough:///C"},
		{"passthrough:cartservice:7070", "passthrough:C"},
		{"redis://redis-cart:6379", "redis://R"},
		{"redis://redis-cart:6379/0", "redis://R/0"},
		{"redis://redis-cart:6379?db=0", "redis://R?db=0"},
		{"redis://u:p@redis-cart:6379/0", "redis://u:p@R/0"},
		{"redis://:p@redis-cart:6379", "redis://:p@R"},
		{"redis://redis-cart", "redis://R"},
		{"redis://u:p@redis-cart/1", "redis://u:p@R/1"},
		{"rediss://redis-cart:6379", "rediss://R"},
		{"tcp://redis-cart:6379#f", "tcp://R#f"},
		{"http://frontend", "http://F"},
		{"http://frontend/", "http://F/"},
		{"http://frontend?x=1", "http://F?x=1"},
		{"http://frontend#top", "http://F#top"},
		{"HTTP://Frontend/path", "HTTP://F/path"},
		{"http://frontend:80/a?b=c", "http://F/a?b=c"},
		{"http://frontend.staging/path", "http://SF/path"},
		{"http://u:p@frontend/x", "http://u:p@F/x"},
		{"ws://frontend/socket", "ws://F/socket"},
		{"postgres://u:p@db:5432/shop?sslmode=disable", "postgres://u:p@D/shop?sslmode=disable"},
		{"postgresql://u@db/shop", "postgresql://u@D/shop"},
		{"jdbc:postgresql://db:5432/shop", "jdbc:postgresql://D/shop"},
		{"jdbc:mysql://db:3306,db:3306/shop", "jdbc:mysql://D,D/shop"},
		{"user:p@tcp(db:3306)/shop", "user:p@tcp(D)/shop"},
		{"amqp://guest:guest@queue.staging:5672/%2f", "amqp://guest:guest@SQ/%2f"},
		{"amqp://queue.staging", "amqp://SQ"},
		{"nats://queue.staging:4222", "nats://SQ"},
		{"nats://queue.staging:4222,nats://queue.staging:4222", "nats://SQ,nats://SQ"},
		{"cartservice:7070,redis-cart:6379", "C,R"},
		{"cartservice:7070, redis-cart:6379", "C, R"},
		{"cartservice:7070 , redis-cart:6379", "C , R"},
		{"cartservice:7070;redis-cart:6379", "C;R"},
		{"cartservice:7070 redis-cart:6379", "C R"},
		{" cartservice:7070 ", " C "},
		{"a:1,redis-cart:6379", "a:1,R"},
		{"--addr=cartservice:7070", "--addr=C"},
		{"-Daddr=cartservice:7070 -Xmx1g", "-Daddr=C -Xmx1g"},
		{"cart=cartservice:7070,store=redis-cart:6379", "cart=C,store=R"},
		{`{"cart":"cartservice:7070","store":{"addr":"redis-cart:6379"}}`, `{"cart":"C","store":{"addr":"R"}}`},
		{`{"addr": "cartservice:7070", "n": 1}`, `{"addr": "C", "n": 1}`},
		{`["cartservice:7070", "redis-cart:6379"]`, `["C", "R"]`},
		{"'cartservice:7070'", "'C'"},
		{"see http://frontend/help or call", "see http://F/help or call"},
		{"http://proxy.example:3128/?to=cartservice:7070&x=1", "http://proxy.example:3128/?to=C&x=1"},
		{"[cartservice:7070]", "[C]"},
	} {
		if got := translate(tc[0], serviceaddr.Variable); got != tc[1] {
			t.Errorf("%q becomes %q, want %q", tc[0], got, tc[1])
		}
	}
}

func TestWhatMerelyLooksLikeAnAddressStays(t *testing.T) {
	for _, text := range []string{
		"cartservice", "7070", ":7070", "cartservice:", "cartservice:x", "cartservice:70700", "cartservice:7071", "cartservice:07070x",
		"my-cartservice:7070", "my_cartservice:7070", "cartservice2:7070", "xcartservice:7070", "cartservice-2:7070", "1cartservice:7070",
		"cartservice:7070x", "cartservice:7070-1", "cartservice:7070:1", "cartservice:7070_", "cartservice:7070.5",
		"cartservice.elsewhere:7070", "cartservice.example.com:7070", "api.cartservice:7070", "cartservice.svc:7070",
		"cartservice.production.svc.other:7070", "cartservice.production.cluster.local:7070",
		"gcr.io/shop/cartservice:7070", "library/redis-cart:6379", "/var/cartservice:7070", "./cartservice:7070", "~cartservice:7070",
		"redis://cartservice:7070@other:1", "postgres://db:5432@elsewhere.example/x", "http://frontend:8080", "http://frontend.example/",
		"https://frontend", "ftp://frontend/", "http://frontend-2/", "http://frontend_2/", "http://other@frontend.example",
		"localhost:7070", "127.0.0.1:7070", "[::1]:7070", "12:30", "sha256:7070", "key:value", "C:cartservice:7070",
		"cartservice:7070 is the address", "ask cartservice:7070", "the cartservice:7070 x", "mailto:cartservice", "$(X)cartservice:7070",
		"", ":", "::", "a:b:c", "user:cartservice:7070", "urn:cartservice:7070", "%63artservice:7070",
	} {
		if got := translate(text, serviceaddr.Variable); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestAddressesStandBetweenTheWordsOfACommand(t *testing.T) {
	for _, tc := range [][2]string{
		{"grpcurl -plaintext cartservice:7070 list", "grpcurl -plaintext C list"},
		{"until nc -z redis-cart:6379; do sleep 1; done", "until nc -z R; do sleep 1; done"},
		{"wget -qO- http://frontend/_healthz && exec app --cart cartservice:7070", "wget -qO- http://F/_healthz && exec app --cart C"},
		{"upstream cart { server cartservice:7070; }", "upstream cart { server C; }"},
		{"cart:\n  addr: cartservice:7070\nstore:\n  addr: redis-cart:6379\n", "cart:\n  addr: C\nstore:\n  addr: R\n"},
		{"proxy_pass http://frontend;", "proxy_pass http://F;"},
		{"registry/cartservice:7070 x", "registry/cartservice:7070 x"},
	} {
		if got := translate(tc[0], serviceaddr.Command); got != tc[1] {
			t.Errorf("%q becomes %q, want %q", tc[0], got, tc[1])
		}
	}
}

func TestAnAddressThatLeadsNowhereIsFoundToo(t *testing.T) {
	for text, want := range map[string]serviceaddr.Match{
		"cartservice:9":                          {Start: 0, End: 13, Service: serviceaddr.Service{Namespace: "production", Name: "cartservice"}, Port: 9},
		"http://frontend:8080/x":                 {Start: 7, End: 20, Service: serviceaddr.Service{Namespace: "production", Name: "frontend"}, Port: 8080},
		"https://frontend":                       {Start: 8, End: 16, Service: serviceaddr.Service{Namespace: "production", Name: "frontend"}, Port: 443},
		"nosuch.production.svc:80":               {Start: 0, End: 24, Service: serviceaddr.Service{Namespace: "production", Name: "nosuch"}, Port: 80},
		"http://x.y.svc.cluster.local:1":         {Start: 7, End: 30, Service: serviceaddr.Service{Namespace: "y", Name: "x"}, Port: 1},
		"redis://redis-cart:6380?cluster=a:b:c1": {Start: 8, End: 23, Service: serviceaddr.Service{Namespace: "production", Name: "redis-cart"}, Port: 6380},
	} {
		if got := serviceaddr.Find(text, "production", serviceaddr.Variable, services); len(got) != 1 || got[0] != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
	if got := serviceaddr.Find("nosuch:80", "production", serviceaddr.Variable, services); len(got) != 0 {
		t.Errorf("a word with a number that may be anything: %+v", got)
	}
}
