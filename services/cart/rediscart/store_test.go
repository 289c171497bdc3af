package rediscart_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		os.Exit(serveUntilKilled(dir))
	}
	goleak.VerifyTestMain(m)
}

func TestKeysExpireByThemselves(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		c := rediscarttest.Connect(t, rediscarttest.Start(t, engine, t.TempDir()).Addr)
		c.Do("HSET", "h", "f", "v")
		c.Do("PEXPIRE", "h", "30")
		for c.Do("EXISTS", "h") != "(integer) 0" {
			if t.Context().Err() != nil {
				t.Fatal("the key outlives its time")
			}
		}
		if got := c.Do("HSETNX", "h", "f", "new"); got != "(integer) 1" {
			t.Errorf("a hash that expired still has its fields: HSETNX says %s", got)
		}
		if got := c.Do("TTL", "h"); got != "(integer) -1" {
			t.Errorf("a hash that is created again inherits the expiry of the old: TTL says %s", got)
		}
		// This one is not accessed; it must expire all the same.
		c.Do("SET", "s", "v", "PX", "30")
		for c.Do("DBSIZE") != "(integer) 1" {
			if t.Context().Err() != nil {
				t.Fatal("an expired key is never collected")
			}
		}
	})
}

func TestAWatchedKeyThatExpiresVoidsTheTransaction(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		addr := rediscarttest.Start(t, engine, "").Addr
		c, other := rediscarttest.Connect(t, addr), rediscarttest.Connect(t, addr)
		c.Do("SET", "s", "v", "PX", "30")
		c.Do("WATCH", "s")
		c.Do("MULTI")
		for other.Do("EXISTS", "s") != "(integer) 0" {
			if t.Context().Err() != nil {
				t.Fatal("the key outlives its time")
			}
		}
		if got := c.Do("EXEC"); got != "(nil)" {
			t.Errorf("EXEC says %s, want (nil)", got)
		}
	})
}

func TestConcurrentIncrementsAreAllCounted(t *testing.T) {
	const clients, each = 8, 100
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		addr := rediscarttest.Start(t, engine, t.TempDir()).Addr
		var wg sync.WaitGroup
		for range clients {
			c := rediscarttest.Connect(t, addr)
			wg.Go(func() {
				for range each {
					if got := c.Do("HINCRBY", "h", "q", "1"); !strings.HasPrefix(got, "(integer) ") {
						t.Errorf("HINCRBY says %s", got)
						return
					}
				}
			})
		}
		wg.Wait()
		if got := rediscarttest.Connect(t, addr).Do("HGET", "h", "q"); got != strconv.Quote(strconv.Itoa(clients*each)) {
			t.Errorf("the sum is %s, want %d", got, clients*each)
		}
	})
}

func TestScanReturnsEveryKeyThatStays(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		c := rediscarttest.Connect(t, rediscarttest.Start(t, engine, "").Addr)
		for i := range 200 {
			c.Do("SET", fmt.Sprintf("key%d", i), "v")
		}
		seen := map[string]bool{}
		for cursor, round := "0", 0; round == 0 || cursor != "0"; round++ {
			reply := c.Do("SCAN", cursor, "COUNT", "7")
			// A page may be empty: ["96", []].
			next, list, ok := strings.Cut(strings.TrimPrefix(reply, `["`), `", [`)
			if !ok {
				t.Fatalf("SCAN %s says %s", cursor, reply)
			}
			cursor, list = next, strings.TrimRight(list, "]")
			for key := range strings.SplitSeq(list, ", ") {
				seen[key] = true
			}
			c.Do("DEL", fmt.Sprintf("key%d", 100+round)) // some go while we look
			c.Do("SET", fmt.Sprintf("fresh%d", round), "v")
		}
		for i := range 100 {
			if !seen[fmt.Sprintf(`"key%d"`, i)] {
				t.Errorf("key%d stayed and was not returned", i)
			}
		}
	})
}

func TestCartsOutliveARestart(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		first := rediscarttest.Start(t, engine, dir)
		c := rediscarttest.Connect(t, first.Addr)
		c.Do("HSET", "cart:a", "MUG", "2")
		c.Do("EXPIREAT", "cart:a", "33177117420")
		if err := first.Stop(); err != nil {
			t.Fatalf("stop: %v", err)
		}
		c = rediscarttest.Connect(t, rediscarttest.Start(t, engine, dir).Addr)
		if got := c.Do("HGETALL", "cart:a"); got != `["MUG", "2"]` {
			t.Errorf("after a restart the cart is %s", got)
		}
		if got := c.Do("EXPIRETIME", "cart:a"); got != "(integer) 33177117420" {
			t.Errorf("after a restart it expires at %s", got)
		}
	})
}

func TestUnreadableCartsAreKeptAndTheStoreStartsEmpty(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		first := rediscarttest.Start(t, engine, dir)
		rediscarttest.Connect(t, first.Addr).Do("HSET", "cart:a", "MUG", "2")
		if err := first.Stop(); err != nil {
			t.Fatalf("stop: %v", err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
		if err != nil {
			t.Fatal(err)
		}
		if engine == "embedded" {
			files = []string{filepath.Join(dir, "carts.db")}
		}
		for _, file := range files {
			if err := os.WriteFile(file, []byte(strings.Repeat("garbage ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		second := rediscarttest.Start(t, engine, dir)
		if got := rediscarttest.Connect(t, second.Addr).Do("DBSIZE"); got != "(integer) 0" {
			t.Errorf("the store starts with %s keys", got)
		}
		kept, err := filepath.Glob(filepath.Join(dir, "*.corrupt-*"))
		if err != nil || len(kept) != 1 || !strings.Contains(second.Logs(), kept[0]) {
			t.Errorf("kept are %q, %v, and the log is:\n%s", kept, err, second.Logs())
		}
	})
}

func TestGarbageEndsOnlyTheConnectionThatSentIt(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		addr := rediscarttest.Start(t, engine, "").Addr
		bystander := rediscarttest.Connect(t, addr)
		for _, garbage := range []string{
			"*1\r\n$9223372036854775807\r\nx\r\n\r\n", "*1\r\n$-5\r\nPING\r\n", "*99999999999\r\n$1\r\n", "*x\r\n", "*1\r\n:1\r\n", "\"unbalanced\r\n",
		} {
			if got := rediscarttest.Connect(t, addr).Raw(garbage); !strings.HasPrefix(got, "(error)") && got != "(closed)" {
				t.Errorf("%q is answered by %s", garbage, got)
			}
			if got := bystander.Do("PING"); got != "PONG" {
				t.Fatalf("after %q another client gets %s", garbage, got)
			}
		}
		if got := bystander.Raw("PING\r\n"); got != "PONG" {
			t.Errorf("an inline command gets %s", got)
		}
	})
}

func TestTwoStoresNeverShareADirectory(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		rediscarttest.Start(t, engine, dir)
		if err := rediscarttest.StartError(t, engine, dir); err == nil || !strings.Contains(err.Error(), "another redis-cart uses this directory") {
			t.Errorf("a second store over the same directory says %v", err)
		}
	})
}

func TestAnUnusableDirectoryIsReportedAtTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		if err := rediscarttest.StartError(t, engine, filepath.Join(file, "data")); err == nil || !strings.Contains(err.Error(), "open cart store") {
			t.Errorf("a store that has no directory says %v", err)
		}
	})
	if err := rediscarttest.StartError(t, "no-such-redis-server", ""); err == nil || !strings.Contains(err.Error(), "REDIS_SERVER") {
		t.Errorf("a REDIS_SERVER that does not exist says %v", err)
	}
}
