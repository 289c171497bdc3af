// Package rediscarttest runs the stores of the carts inside tests: every kind that this machine can run.
package rediscarttest

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/services/cart/rediscart"
)

// Engines names the kinds of store, for REDIS_SERVER: the embedded one, and redis-server where there is
// one. In CI (the environment variable CI) there must be one.
func Engines(t testing.TB) []string {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return []string{"embedded", "redis-server"}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("CI is set, and no redis-server is on PATH: install one, since the suite must pass on both")
	}
	t.Log("no redis-server on PATH: only the embedded server is tested")
	return []string{"embedded"}
}

// Each runs a test once for each kind of store.
func Each(t *testing.T, test func(t *testing.T, engine string)) {
	for _, engine := range Engines(t) {
		t.Run(engine, func(t *testing.T) { test(t, engine) })
	}
}

// Start runs a store of a kind on dir (empty: nothing is kept) until the test ends, and returns when it responds.
func Start(t testing.TB, engine, dir string) *chassistest.Service {
	t.Helper()
	s := chassistest.Start(t, rediscart.Setup, map[string]string{"REDIS_SERVER": engine, "DATA_DIR": dir}, chassistest.WithName("redis-cart"))
	waitUntilLoaded(t, s.Addr)
	return s
}

// StartWithPassword runs a store of a kind with a password.
func StartWithPassword(t testing.TB, engine, password string) *chassistest.Service {
	t.Helper()
	s := chassistest.Start(t, rediscart.Setup, map[string]string{"REDIS_SERVER": engine, "REDIS_PASSWORD": password}, chassistest.WithName("redis-cart"))
	c := Connect(t, s.Addr)
	for c.Do("AUTH", password) != "OK" {
		if context.Cause(t.Context()) != nil {
			t.Fatal("the store does not take its password")
		}
	}
	return s
}

// waitUntilLoaded connects again for each try: a redis-server that finds its log unreadable is started twice.
func waitUntilLoaded(t testing.TB, addr string) {
	t.Helper()
	for !responds(t, addr) {
		if context.Cause(t.Context()) != nil {
			t.Fatal("the store does not respond to PING")
		}
	}
}

func responds(t testing.TB, addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	c := &Client{t: t, conn: conn, in: bufio.NewReader(conn)}
	return c.Do("PING") == "PONG"
}

// StartError runs a store that is expected not to start, and returns its error.
func StartError(t testing.TB, engine, dir string) error {
	t.Helper()
	env := map[string]string{"REDIS_SERVER": engine, "DATA_DIR": dir, "PORT": "0", "METRICS_PORT": "0"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	return chassis.Run(ctx, chassis.Options{
		Name: "redis-cart", Workload: "redis-cart", Getenv: func(k string) string { return env[k] }, Stdout: io.Discard,
	}, rediscart.Setup)
}
