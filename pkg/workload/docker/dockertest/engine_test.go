//go:build docker

package dockertest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// binary is the shopctl under test.
var binary = flag.String("shopctl", "../../../../bin/shopctl", "the built `BINARY` to test")

// engine is a running engine.
type engine struct {
	t *testing.T
	// host is its DOCKER_HOST.
	host string
}

// engineScript starts an engine and ends it with standard input. The mounts and the network that it makes are gone with its
// namespaces.
const engineScript = `
ip link set lo up && sysctl -qw net.ipv4.ip_forward=1
dockerd --data-root "$1/data" --exec-root "$1/exec" -p "$1/dockerd.pid" -H "unix://$1/docker.sock" --bip 172.30.0.1/24 --storage-driver overlay2 >"$1/dockerd.log" 2>&1 </dev/null &
read -r _
kill "$!"
wait "$!"
`

// startEngine starts an engine that ends with the test. One that does not start fails the test.
func startEngine(t *testing.T) *engine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("an engine in namespaces of its own needs root: sudo make test-docker")
	}
	dir, err := os.MkdirTemp("", "shopctl-docker") // its sockets have short paths
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("the engine left something: %v", err)
		}
	})
	cmd := exec.Command("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "bash", "-c", engineScript, "bash", dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // dockerd's exit code says nothing of the shop
	})
	e := &engine{t: t, host: "unix://" + filepath.Join(dir, "docker.sock")}
	if !eventually.Within(30*time.Second, func() bool { return exec.Command("docker", "-H", e.host, "version").Run() == nil }) {
		log, _ := os.ReadFile(filepath.Join(dir, "dockerd.log"))
		t.Fatalf("dockerd (apt-get install docker.io) did not start:\n%s", log)
	}
	return e
}

// docker runs docker's own command, and returns the lines that it prints.
func (e *engine) docker(args ...string) []string {
	e.t.Helper()
	out, err := exec.Command("docker", append([]string{"-H", e.host}, args...)...).CombinedOutput()
	if err != nil {
		e.t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.Fields(string(out))
}

// shop is one of shopctl's, on an engine.
type shop struct {
	t    *testing.T
	name string
	env  []string
}

// newShop makes a shop with directories of its own.
func (e *engine) newShop(name string) *shop {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		e.t.Fatal(err)
	}
	s := &shop{t: e.t, name: name, env: append(os.Environ(),
		"DOCKER_HOST="+e.host, "XDG_STATE_HOME="+filepath.Join(dir, "state"), "SHOPCTL_RUN_DIR="+filepath.Join(dir, "run"), "SHOPCTL_RANDOM_PORTS=1", "NO_COLOR=1")}
	e.t.Cleanup(func() {
		_, _ = s.try("down", "--now")
		_ = os.RemoveAll(dir)
	})
	return s
}

// commandTimeout bounds every command.
const commandTimeout = 200 * time.Second

// try runs a command and returns its output with its notes.
func (s *shop) try(args ...string) (string, error) { return s.feed("", args...) }

// feed is try with standard input.
func (s *shop) feed(stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, *binary, append([]string{"--name", s.name}, args...)...)
	cmd.Env, cmd.Stdin = s.env, strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("shopctl %s: %w\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String(), err
}

// run is try for a command that succeeds.
func (s *shop) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.try(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// order fills a cart and orders.
func (s *shop) order(t *testing.T, user string) {
	t.Helper()
	s.run(t, "call", "cart", "AddItem", fmt.Sprintf(`{"user_id": %q, "item": {"product_id": "OLJCESPC7Z", "quantity": 2}}`, user))
	out := s.run(t, "call", "checkout", "PlaceOrder", fmt.Sprintf(`{"user_id": %q, "user_currency": "EUR", "email": "someone@example.com",
		"address": {"street_address": "1600 Amphitheatre Parkway", "city": "Mountain View", "state": "CA", "country": "United States", "zip_code": 94043},
		"credit_card": {"credit_card_number": "4432801561520454", "credit_card_cvv": 672, "credit_card_expiration_year": 2039, "credit_card_expiration_month": 1}}`, user))
	if !strings.Contains(out, "order_id") && !strings.Contains(out, "orderId") {
		t.Fatalf("the order has no id: %s", out)
	}
}
