package rediscart_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

// repliesTo returns the replies to lines that are sent at once, up to that of a last command or the end of the connection.
func repliesTo(t *testing.T, addr, lines string) (replies []string) {
	t.Helper()
	c := rediscarttest.Connect(t, addr)
	for reply := c.Raw(lines + "ECHO last-command\r\n"); ; reply = c.Reply() {
		if reply == `"last-command"` {
			return replies
		}
		replies = append(replies, reply)
		if reply == "(closed)" {
			return replies
		}
	}
}

func TestHTTPClosesTheConnectionAndExecutesNothing(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		addr := rediscarttest.Start(t, engine, t.TempDir()).Addr
		store := rediscarttest.Connect(t, addr)
		store.Do("SET", "kept", "v")
		for _, request := range []string{
			"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nFLUSHALL\r\n",
			"post / HTTP/1.1\r\nFLUSHALL\r\n",
			"POST\r\nFLUSHALL\r\n",
			"PoSt x\nFLUSHALL\n",
			"\r\n\r\nPOST / HTTP/1.1\r\nFLUSHALL\r\n",
			"\"POST\" /\r\nFLUSHALL\r\n",
			"Host: localhost\r\nFLUSHALL\r\n",
			"hOST: localhost\r\nFLUSHALL\r\n",
			"host:\r\nFLUSHALL\r\n",
			"*1\r\n$4\r\nPOST\r\n*1\r\n$8\r\nFLUSHALL\r\n",
			"*2\r\n$5\r\nHost:\r\n$1\r\nx\r\n*1\r\n$8\r\nFLUSHALL\r\n",
			"MULTI\r\nPOST /\r\nFLUSHALL\r\nEXEC\r\n",
		} {
			if got := repliesTo(t, addr, request); got[len(got)-1] != "(closed)" {
				t.Errorf("%q is replied to by %q, want the end of the connection", request, got)
			}
			if got := store.Do("GET", "kept"); got != `"v"` {
				t.Fatalf("%q was executed: kept is %s", request, got)
			}
		}
		// Other methods have their end at the header Host, which every browser sends.
		for _, method := range []string{"GET", "PUT", "OPTIONS"} {
			if got := repliesTo(t, addr, method+" / HTTP/1.1\r\nHost: localhost\r\n\r\nFLUSHALL\r\n"); got[len(got)-1] != "(closed)" {
				t.Errorf("%s is replied to by %q, want the end of the connection", method, got)
			}
		}
		if got := store.Do("GET", "kept"); got != `"v"` {
			t.Errorf("an HTTP request was executed: kept is %s", got)
		}
		repliesTo(t, addr, "SET before v\r\nPOST /\r\nSET after v\r\n")
		if got := store.Do("MGET", "before", "after"); got != `["v", (nil)]` {
			t.Errorf("before and after POST: %s, want what precedes it only", got)
		}
		for _, harmless := range []string{"Host localhost\r\n", "Host:localhost\r\n", "POSTS /\r\n"} {
			if got := repliesTo(t, addr, harmless); len(got) != 1 || !strings.HasPrefix(got[0], "(error) ERR unknown command") {
				t.Errorf("%q is replied to by %q, want an unknown command", harmless, got)
			}
		}
	})
}

func TestAWebPageCannotEmptyTheCarts(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		addr := rediscarttest.Start(t, engine, t.TempDir()).Addr
		store := rediscarttest.Connect(t, addr)
		store.Do("SET", "kept", "v")
		for range 3 {
			response, err := http.Post("http://"+addr+"/", "text/plain", strings.NewReader("FLUSHALL\r\nFLUSHALL\r\n"))
			if err == nil {
				_ = response.Body.Close()
				t.Errorf("a POST is replied to by %s", response.Status)
			}
		}
		if got := store.Do("GET", "kept"); got != `"v"` {
			t.Errorf("a POST was executed: kept is %s", got)
		}
	})
}

func TestHTTPToTheEmbeddedStoreIsLoggedOnce(t *testing.T) {
	service := rediscarttest.Start(t, "embedded", "")
	for range 5 {
		repliesTo(t, service.Addr, "POST / HTTP/1.1\r\n")
	}
	if got := strings.Count(service.Logs(), "closed a connection that sent HTTP"); got != 1 {
		t.Errorf("it is logged %d times:\n%s", got, service.Logs())
	}
}

func TestInlineCommandsAreReadAsByRedis(t *testing.T) {
	const unbalanced = "(error) ERR Protocol error: unbalanced quotes in request"
	long := strings.Repeat("x", 40_000)
	tests := []struct {
		lines string
		want  []string
	}{
		{"PING\n", []string{"PONG"}},
		{"   \r\n\t\r\nPING\r\n", []string{"PONG"}},
		{" \t PING \t \r\n", []string{"PONG"}},
		{"\v\fPING\r\n", []string{"PONG"}},
		{"PI\"NG\"\r\n", []string{"PONG"}},
		{"\"\" a\r\n", []string{"(error) ERR unknown command '', with args beginning with: 'a' "}},
		{"ECHO \"\"\r\n", []string{`""`}},
		{"ECHO ''\r\n", []string{`""`}},
		{"ECHO \"a b\"\r\n", []string{`"a b"`}},
		{"ECHO a'b c'\r\n", []string{`"ab c"`}},
		{"ECHO \"\xba\xc8\"\r\n", []string{`"\xba\xc8"`}},
		{"ECHO \xba\xc8\r\n", []string{`"\xba\xc8"`}},
		{"ECHO \"a\\'b\"\r\n", []string{`"a'b"`}},
		{"ECHO 'a\\'b\\n\"'\r\n", []string{`"a'b\\n\""`}},
		{`ECHO "\xba\xC8\n\r\t\b\a\v\q\x4\xzz\\\""` + "\r\n", []string{`"\xba\xc8\n\r\t\b\avqx4xzz\\\""`}},
		{"ECHO \"\\u00e9\"\r\n", []string{`"u00e9"`}},
		{"ECHO \\x41\r\n", []string{`"\\x41"`}},
		{"ECHO \"a\"\v\r\n", []string{`"a"`}},
		{"ECHO a\vb\r\n", []string{`"a\vb"`}},
		{"ECHO a\rb\r\n", []string{"(error) ERR wrong number of arguments for 'echo' command"}},
		{"ECHO \"a\"b\r\n", []string{unbalanced, "(closed)"}},
		{"ECHO \"a\r\n", []string{unbalanced, "(closed)"}},
		{"ECHO 'a\r\n", []string{unbalanced, "(closed)"}},
		{"ECHO \"a\\\r\n", []string{unbalanced, "(closed)"}},
		{"ECHO 'a\\'\r\n", []string{unbalanced, "(closed)"}},
		{"STRLEN none\r\nECHO " + long + "\r\n", []string{"(integer) 0", `"` + long + `"`}},
		{"ECHO " + strings.Repeat("x", 200_000) + "\r\n", []string{"(error) ERR Protocol error: too big inline request", "(closed)"}},
		{"ECHO a\x00b\r\n" + strings.Repeat("PING\r\n", 12_000), []string{"(error) ERR Protocol error: too big inline request", "(closed)"}},
	}
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		addr := rediscarttest.Start(t, engine, "").Addr
		for _, test := range tests {
			got := repliesTo(t, addr, test.lines)
			if slices.Equal(got, []string{"(closed)"}) && test.want[len(test.want)-1] == "(closed)" {
				continue // the reset of the connection overtook the error
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%.60q\n got %.200q\nwant %.200q", test.lines, got, test.want)
			}
		}
	})
}
