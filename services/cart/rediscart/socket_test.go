package rediscart_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

// socketOf is the socket that a redis-server's log names.
func socketOf(t *testing.T, logs string) string {
	t.Helper()
	match := regexp.MustCompile(`"socket":"([^"]+)"`).FindStringSubmatch(logs)
	if match == nil {
		t.Fatalf("the log names no socket:\n%s", logs)
	}
	return match[1]
}

func TestARedisServerHasNoPortAndOnlyItsUserCanOpenItsSocket(t *testing.T) {
	own := filepath.Join(t.TempDir(), "own")
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	other := filepath.Join(t.TempDir(), "other")
	if err := os.MkdirAll(filepath.Join(other, "socket"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, engine := range rediscarttest.Engines(t) {
		if engine == "embedded" {
			continue
		}
		for name, dir := range map[string]string{"its own directory": own, "a long name": long, "a directory that others can enter": other, "nothing is kept": ""} {
			t.Run(name, func(t *testing.T) {
				if name == "a long name" { // and no shorter place
					temp := filepath.Join(t.TempDir(), strings.Repeat("temp", 30))
					if err := os.Mkdir(temp, 0o700); err != nil {
						t.Fatal(err)
					}
					t.Setenv("TMPDIR", temp)
				}
				s := rediscarttest.Start(t, engine, dir)
				c := rediscarttest.Connect(t, s.Addr)
				if got := c.Do("CONFIG", "GET", "port"); got != `["port", "0"]` {
					t.Errorf("redis-server has a port: %s", got)
				}
				socket := socketOf(t, s.Logs())
				for path, want := range map[string]os.FileMode{socket: os.ModeSocket | 0o700, filepath.Dir(socket): os.ModeDir | 0o700} {
					if info, err := os.Stat(path); err != nil || info.Mode() != want {
						t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
					}
				}
				if dir == own && filepath.Dir(filepath.Dir(socket)) != own {
					t.Errorf("the socket is at %s, want it in %s", socket, own)
				}
				if err := s.Stop(); err != nil {
					t.Error(err)
				}
				if _, err := os.Stat(socket); !os.IsNotExist(err) {
					t.Errorf("the socket stays: %v", err)
				}
				if _, err := os.Stat(filepath.Dir(socket)); !os.IsNotExist(err) {
					t.Errorf("the directory of the socket stays: %v", err)
				}
			})
		}
	}
}

func TestARedisServerTakesThePlaceOfAKilledOne(t *testing.T) {
	for _, engine := range rediscarttest.Engines(t) {
		if engine == "embedded" {
			continue
		}
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.MkdirAll(filepath.Join(dir, "socket"), 0o700); err != nil {
			t.Fatal(err)
		}
		left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "socket", "redis.sock")})
		if err != nil {
			t.Fatal(err)
		}
		left.SetUnlinkOnClose(false)
		_ = left.Close()
		s := rediscarttest.Start(t, engine, dir)
		if got := rediscarttest.Connect(t, s.Addr).Do("PING"); got != "PONG" {
			t.Error(got)
		}
	}
}

func TestBothDirectionsOfAConnectionCarryMuchAtOnce(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		c := rediscarttest.Connect(t, rediscarttest.Start(t, engine, "").Addr)
		text := strings.Repeat("x", 8<<20)
		if got := c.Do("SET", "k", text); got != "OK" {
			t.Fatal(got)
		}
		if got := c.Do("GET", "k"); len(got) != len(text)+2 {
			t.Errorf("got %d bytes, want %d", len(got), len(text)+2)
		}
	})
}
