package promapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// asked is a request that is wrong in some way. since3 is the subject of the error since version 3, where that of Debian's
// Prometheus is older.
type asked struct{ path, params, since3 string }

var wrongRequests = []asked{
	{"query", "query=rate(", ""},
	{"query", "query=", ""},
	{"query", "query=up{", ""},
	{"query", "query=nosuch(up)", ""},
	{"query", "query=sum(up) by", ""},
	{"query", "query=up[5m:]]", ""},
	{"query", "query=up&time=yesterday", ""},
	{"query", "query=up&timeout=soon", ""},
	{"query_range", "query=up[5m]&start=0&end=10&step=1", `invalid parameter "query"`},
	{"query_range", `query="text"&start=0&end=10&step=1`, `invalid parameter "query"`},
	{"query_range", "query=rate(&start=0&end=10&step=1", `invalid parameter "query"`},
	{"query_range", "query=up&start=10&end=0&step=1", ""},
	{"query_range", "query=up&start=0&end=10&step=0", ""},
	{"query_range", "query=up&start=0&end=10&step=-5", ""},
	{"query_range", "query=up&start=0&end=10", ""},
	{"query_range", "query=up&end=10&step=1", ""},
	{"query_range", "query=up&start=0&step=1", ""},
	{"query_range", "query=up&start=0&end=1000000&step=1", ""},
	{"series", "", ""},
	{"series", "match[]=up{", ""},
	{"series", "match[]={}", ""},
	{"series", "match[]=up&start=x", ""},
	{"labels", "match[]=up{", ""},
	{"labels", "end=x", ""},
	{"label/%ff/values", "", ""},
	{"label/job/values", "match[]=1", ""},
	{"rules", "type=none", `invalid parameter "type"`},
}

// reply is what a client branches on: the status, the kind of the error, and its subject.
func reply(t *testing.T, api string, a asked) (kind, subject string) {
	t.Helper()
	values := url.Values{}
	for _, pair := range strings.Split(a.params, "&") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			values.Add(k, v)
		}
	}
	resp, err := http.Get(api + "/api/v1/" + a.path + "?" + values.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct{ Status, ErrorType, Error string }
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatalf("%v: %v", a, err)
	}
	subject, _, _ = strings.Cut(body.Error, ":")
	return resp.Status + " " + body.Status + " " + body.ErrorType, subject
}

func TestWrongRequestsAreAnsweredAsByPrometheus(t *testing.T) {
	binary := program(t, "prometheus")
	if binary == "" {
		return
	}
	theirs := runPrometheus(t, binary)
	ours := live(t)
	for _, a := range wrongRequests {
		wantKind, want := reply(t, theirs, a)
		gotKind, got := reply(t, ours, a)
		if a.since3 != "" {
			want = a.since3
		}
		if gotKind != wantKind || got != want {
			t.Errorf("%s?%s\n  got  %s: %s\n  want %s: %s", a.path, a.params, gotKind, got, wantKind, want)
		}
	}
}

// runPrometheus runs a Prometheus without targets, and returns its address.
func runPrometheus(t *testing.T, binary string) string {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte("global: {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, binary, "--config.file", config, "--web.listen-address", addr, "--storage.tsdb.path", filepath.Join(dir, "data"))
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	eventually.True(t, "Prometheus is ready", func() bool {
		resp, err := http.Get("http://" + addr + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return "http://" + addr
}
