package rediscart_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/services/cart/rediscart"
	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

const (
	// killedDir makes this test binary a redis-cart over the directory that it names, killedEngine of that kind.
	killedDir    = "REDISCART_TEST_DIR"
	killedEngine = "REDISCART_TEST_ENGINE"
)

// serveUntilKilled is redis-cart in a process of its own; it says on stdout where it listens.
func serveUntilKilled(dir string) int {
	env := map[string]string{"DATA_DIR": dir, "REDIS_SERVER": os.Getenv(killedEngine)}
	err := chassis.Run(context.Background(), chassis.Options{
		Name: "redis-cart", Workload: "redis-cart", Getenv: func(k string) string { return env[k] },
		Stdout: io.Discard, Down: os.Stdin, Up: os.Stdout,
	}, rediscart.Setup)
	if err != nil && !errors.Is(err, chassis.ErrLifeline) {
		return 1
	}
	return 0
}

// spawn runs redis-cart as a process and returns it with its address.
func spawn(t *testing.T, engine, dir string) (cmd *exec.Cmd, life io.Closer, addr string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(exe)
	cmd.Env = append(os.Environ(), killedDir+"="+dir, killedEngine+"="+engine)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	lifelineIn, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lifelineIn.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("redis-cart did not start: %v", err)
	}
	_ = lifeline.Read(strings.NewReader(line), func(u lifeline.Up) {
		if u.Listening != nil {
			addr = u.Listening.Addr
		}
	})
	if addr == "" {
		t.Fatalf("redis-cart did not listen: %s", line)
	}
	return cmd, lifelineIn, addr
}

func TestKillLosesNoAcknowledgedWrite(t *testing.T) {
	const writers, enough = 4, 400
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		cmd, _, addr := spawn(t, engine, dir)
		// Each writer counts in a field of its own and reports the last count that was acknowledged.
		acknowledged := make(chan int, writers)
		progress := make(chan struct{}, 1<<16)
		for w := range writers {
			c := rediscarttest.Connect(t, addr)
			go func() {
				last := 0
				for {
					reply := c.Do("HINCRBY", fmt.Sprintf("cart:%d", w), "q", "1")
					n, err := strconv.Atoi(strings.TrimPrefix(reply, "(integer) "))
					if err != nil {
						acknowledged <- last
						return
					}
					last = n
					select {
					case progress <- struct{}{}:
					default:
					}
				}
			}()
		}
		for range enough {
			<-progress
		}
		// The process alone, not its group: its redis-server must go with it.
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for range writers {
			sum += <-acknowledged
		}
		_ = cmd.Wait()

		_, _, addr = spawn(t, engine, dir) // would fail if an orphan still held the directory
		waitLoaded(t, addr)
		kept := 0
		c := rediscarttest.Connect(t, addr)
		for w := range writers {
			reply := c.Do("HGET", fmt.Sprintf("cart:%d", w), "q")
			if reply == "(nil)" {
				continue // the writer had no turn; if it had one, the sum does not match
			}
			n, err := strconv.Atoi(strings.Trim(reply, `"`))
			if err != nil {
				t.Fatal(err)
			}
			kept += n
		}
		if kept < sum || sum < enough {
			t.Errorf("%d writes were acknowledged, %d are there after kill -9", sum, kept)
		}
	})
}

func waitLoaded(t *testing.T, addr string) {
	t.Helper()
	c := rediscarttest.Connect(t, addr)
	for c.Do("PING") != "PONG" {
		if t.Context().Err() != nil {
			t.Fatal("the store does not answer")
		}
	}
}

func TestNoRedisServerOutlivesTheLifeline(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		cmd, life, addr := spawn(t, engine, dir)
		c := rediscarttest.Connect(t, addr)
		if got := c.Do("PING"); got != "PONG" {
			t.Fatal(got)
		}
		if err := life.Close(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("redis-cart leaves with %v", err)
		}
		if got := c.Reply(); got != "(closed)" {
			t.Errorf("the store still says %s", got)
		}
	})
}
