package main_test

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// until runs a command of shopctl until its output matches an expression: until EXPRESSION ARGUMENT...
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until EXPRESSION ARGUMENT...")
	}
	want := regexp.MustCompile("(?m)" + args[0])
	var last string
	matched := eventually.Within(time.Minute, func() bool {
		err := ts.Exec("shopctl", args[1:]...)
		last = ts.ReadFile("stdout")
		return err == nil && want.MatchString(last)
	})
	if !matched {
		ts.Fatalf("shopctl %s never printed %s, but\n%s", strings.Join(args[1:], " "), args[0], last)
	}
}

// seen calls the service wishlist and checks that everything shows it: seen VERSION.
func seen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: seen VERSION")
	}
	var status struct {
		Services []struct{ Name, Address, Version string }
	}
	ts.Check(query(ts, &status, "ps", "wishlist", "-o", "json"))
	if len(status.Services) != 1 || status.Services[0].Version != args[0] {
		ts.Fatalf("wishlist is %+v", status.Services)
	}
	for _, path := range []string{"/1", "/2"} {
		resp, err := http.Get("http://" + status.Services[0].Address + path)
		ts.Check(err)
		ts.Check(resp.Body.Close())
	}
	until(ts, false, []string{`info +wishes listed .*path=/1`, "logs", "wishlist"})
	until(ts, false, []string{`wishlist GET /2`, "trace", "list", "--service", "wishlist"})
	until(ts, false, []string{`wishlist +[0-9.]+/s`, "map"})
	until(ts, false, []string{`^wishlist +ok +[0-9.]+ `, "ps", "wishlist", "--stats"})
	until(ts, false, []string{`code="404".*version="` + args[0] + `".* 1$`, "metrics", "query", "wishlist_requests_total"})
	until(ts, false, []string{`^wishlist .* up `, "metrics", "targets"})
	until(ts, false, []string{`^wishlist +ok +[0-9.]+% `, "top"})
}
