//go:build peers

package meshtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// mebibyte is the name of a file of that size that each program serves.
const mebibyte = "mebibyte"

// find is the path of a program. Without it the test fails: these tests are asked for by a tag.
func find(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	if err != nil {
		t.Fatalf("%v; apt-get install nghttp2-client nghttp2-server haproxy nginx-light curl tcpdump", err)
	}
	return path
}

// run runs a program until it ends, and returns what it prints.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, find(t, name), args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// background runs a program until the test ends.
func background(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(find(t, name), args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s printed\n%s", name, out.String())
		}
	})
	return cmd
}

// freePort is one at which nothing listens, for a program that cannot choose.
func freePort(t *testing.T) (port, address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = ln.Addr().String()
	_ = ln.Close()
	_, port, _ = net.SplitHostPort(address)
	return port, address
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// peers are programs of others, each behind a sidecar.
type peers struct {
	*world
	dir  string
	body []byte // of the file mebibyte
}

const moreServices = `apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: front}, ports: [{name: http2, port: 9090}]}
---
apiVersion: v1
kind: Service
metadata: {name: trailers}
spec: {selector: {app: trailers}, ports: [{name: grpc, port: 9091}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default}
spec: {mtls: {mode: STRICT}}
`

// newPeers starts nginx (HTTP/1.1) as web, HAProxy (HTTP/2, in front of nginx) as front, and nghttpd (HTTP/2, with trailers) as
// trailers, each behind a sidecar that takes mutual TLS alone.
func newPeers(t *testing.T) *peers {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := &peers{world: &world{}, dir: dir, body: bytes.Repeat([]byte("0123456789abcdef"), 1<<16)}
	write(t, filepath.Join(dir, mebibyte), string(p.body))
	nginx := startNginx(t, dir, "location /upload/ { dav_methods PUT; create_full_put_path on; dav_access user:rw group:r all:r; }")
	haproxy := startHAProxy(t, dir, "backend", "proto h2", nginx)
	port, nghttpd := freePort(t)
	background(t, "nghttpd", "--no-tls", "--address=127.0.0.1", "--echo-upload", "--trailer=grpc-status: 0", "--max-concurrent-streams=1000", "-d", dir, port)
	listens(t, nghttpd)
	p.shop = open(t, moreServices)
	p.web = p.join("web-1", "web", served{"web", 80, 8080, nginx})
	p.join("front-1", "front", served{"front", 9090, 9090, haproxy})
	p.join("trailers-1", "trailers", served{"trailers", 9091, 9091, nghttpd})
	p.checkout = p.join("checkout-1", "checkout")
	return p
}

func listens(t *testing.T, address string) {
	t.Helper()
	eventually.True(t, address+" is listened at", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// startNginx serves a directory, and what locations of its configuration say.
func startNginx(t *testing.T, dir, locations string) string {
	t.Helper()
	_, address := freePort(t)
	prefix := t.TempDir()
	config := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000; client_max_body_size 8m;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server { listen %[2]s; root %[3]s; %[4]s }
}
`, prefix, address, dir, locations)
	background(t, "nginx", "-e", "stderr", "-p", prefix, "-c", write(t, filepath.Join(prefix, "nginx.conf"), config))
	listens(t, address)
	return address
}

// startHAProxy passes on HTTP from an address, which it returns, to a server. Its listener has options.
func startHAProxy(t *testing.T, dir, name, listener, server string) string {
	t.Helper()
	_, address := freePort(t)
	config := fmt.Sprintf(`global
  maxconn 4000
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend in
  bind %s %s
  default_backend out
backend out
  server one %s
`, address, listener, server)
	background(t, "haproxy", "-db", "-f", write(t, filepath.Join(dir, name+".cfg"), config))
	listens(t, address)
	return address
}

// client is a program that is in the place of checkout's: it calls through checkout's sidecar.
type client struct {
	name string
	get  func(t *testing.T, p *peers, address, path string) []byte
	// put sends the file to a path; nil: it cannot.
	put func(t *testing.T, p *peers, address, path string) []byte
}

func curl(args ...string) client {
	fetch := func(t *testing.T, p *peers, address, path string, more ...string) []byte {
		out := filepath.Join(t.TempDir(), "out")
		all := append(append([]string{"-sS", "--fail", "--max-time", "50", "-o", out}, args...), more...)
		run(t, "curl", append(all, "http://"+address+path)...)
		body, _ := os.ReadFile(out)
		return body
	}
	return client{
		"curl " + strings.Join(args, " "),
		func(t *testing.T, p *peers, address, path string) []byte { return fetch(t, p, address, path) },
		func(t *testing.T, p *peers, address, path string) []byte {
			return fetch(t, p, address, path, "-X", "PUT", "--data-binary", "@"+filepath.Join(p.dir, mebibyte))
		},
	}
}

// through is curl behind a proxy of others, which is the sidecar's client.
func through(name string, start func(t *testing.T, dir, server string) string) client {
	c, plain := client{name: name}, curl("--http1.1")
	c.get = func(t *testing.T, p *peers, address, path string) []byte {
		return plain.get(t, p, start(t, t.TempDir(), address), path)
	}
	c.put = func(t *testing.T, p *peers, address, path string) []byte {
		return plain.put(t, p, start(t, t.TempDir(), address), path)
	}
	return c
}

func nghttp(t *testing.T, p *peers, address, path string, args ...string) []byte {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, find(t, "nghttp"), append(args, "http://"+address+path)...).Output()
	if err != nil {
		t.Errorf("nghttp: %v", err)
	}
	return out
}

func clients() []client {
	return []client{
		curl("--http1.1"), curl("--http2-prior-knowledge"),
		{
			"nghttp", func(t *testing.T, p *peers, address, path string) []byte { return nghttp(t, p, address, path) },
			func(t *testing.T, p *peers, address, path string) []byte {
				return nghttp(t, p, address, path, "-H:method: PUT", "-d", filepath.Join(p.dir, mebibyte))
			},
		},
		through("HAProxy, HTTP/2", func(t *testing.T, dir, server string) string {
			return startHAProxy(t, dir, "client", "", server+" proto h2")
		}),
		through("HAProxy, HTTP/1.1", func(t *testing.T, dir, server string) string { return startHAProxy(t, dir, "client", "", server) }),
		through("nginx", func(t *testing.T, dir, server string) string {
			return startNginx(t, dir, "location / { proxy_pass http://"+server+"; proxy_http_version 1.1; proxy_request_buffering off; }")
		}),
	}
}

func TestProgramsOfOthersCallEachOtherThroughSidecars(t *testing.T) {
	p := newPeers(t)
	for _, c := range clients() {
		for service, port := range map[string]int{"web": 80, "front": 9090, "trailers": 9091} {
			t.Run(c.name+" to "+service, func(t *testing.T) {
				address := p.checkout.outbound(service, port)
				if got := c.get(t, p, address, "/"+mebibyte); !bytes.Equal(got, p.body) {
					t.Errorf("%d bytes come back", len(got))
				}
				if service == "trailers" { // it answers with what it gets
					if got := c.put(t, p, address, "/echo"); !bytes.Equal(got, p.body) {
						t.Errorf("of what was sent, %d bytes come back", len(got))
					}
					return
				}
				name := "upload/" + strings.NewReplacer(" ", "", "/", "", ",", "").Replace(t.Name())
				c.put(t, p, address, "/"+name)
				if got, err := os.ReadFile(filepath.Join(p.dir, name)); !bytes.Equal(got, p.body) {
					t.Errorf("%d bytes arrive, %v", len(got), err)
				}
			})
		}
	}
	p.checkout.log.more(t, 0, ` HTTP/2" 200 - via_upstream`)
	p.checkout.log.more(t, 0, ` HTTP/1.1" 200 - via_upstream`)
}

func TestTrailersPassToProgramsOfOthers(t *testing.T) {
	p := newPeers(t)
	address := p.checkout.outbound("trailers", 9091)
	through := startHAProxy(t, t.TempDir(), "client", "proto h2", address+" proto h2")
	for name, at := range map[string]string{"nghttp": address, "nghttp behind HAProxy": through} { // curl of Debian 12 shows no trailers
		if got := run(t, "nghttp", "-nv", "http://"+at+"/"+mebibyte); !strings.Contains(got, "grpc-status: 0") {
			t.Errorf("%s receives %q", name, got)
		}
	}
	// A request's trailers reach a program that echoes: nghttp sends them, and the exchange is whole.
	got := nghttp(t, p, address, "/echo", "-d", filepath.Join(p.dir, mebibyte), "--trailer=x-checksum: 1")
	if !bytes.Equal(got, p.body) {
		t.Errorf("%d bytes come back", len(got))
	}
}

func TestManyStreamsOfOthersPass(t *testing.T) {
	p := newPeers(t)
	for service, port := range map[string]int{"web": 80, "front": 9090, "trailers": 9091} {
		for name, args := range map[string][]string{
			"many streams": {"-n", "4000", "-c", "4", "-m", "250"},
			"HTTP/1.1":     {"-n", "500", "-c", "8", "--h1"},
			"slow windows": {"-n", "64", "-c", "1", "-m", "64", "-w", "14", "-W", "16"},
		} {
			t.Run(name+" to "+service, func(t *testing.T) {
				path := "/small"
				if name == "slow windows" {
					path = "/" + mebibyte
				}
				write(t, filepath.Join(p.dir, "small"), "small")
				out := run(t, "h2load", append(args, "http://"+p.checkout.outbound(service, port)+path)...)
				total := args[1]
				if !strings.Contains(out, total+" succeeded, 0 failed, 0 errored") {
					t.Error(out)
				}
			})
		}
	}
}
