package chassistest

import (
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// Postgres is a server of PostgreSQL of its own, in a temporary directory, behind a unix socket.
type Postgres struct {
	// URL is how to reach it.
	URL string

	bin, dir string
	as       *syscall.SysProcAttr
	server   *exec.Cmd
}

// StartPostgres starts a server that ends with the test. It returns nil where PostgreSQL is not installed; in CI that is an
// error.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // Debian's are not in the path
	if path, err := exec.LookPath("postgres"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("no PostgreSQL: apt-get install postgresql")
		}
		t.Log("no PostgreSQL here: apt-get install postgresql")
		return nil
	}
	dir, err := os.MkdirTemp("", "pg") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	p := &Postgres{bin: filepath.Dir(found[0]), dir: dir, URL: "host=" + dir + " user=shop dbname=postgres sslmode=disable"}
	t.Cleanup(func() {
		p.Stop()
		_ = os.RemoveAll(dir)
	})
	p.leaveRoot(t)
	if out, err := p.command("initdb", "-D", filepath.Join(dir, "data"), "-U", "shop", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p.Start(t)
	return p
}

// leaveRoot makes the server run as the user that Debian made for it: it refuses to run as root.
func (p *Postgres) leaveRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	if err := os.Chown(p.dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	p.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = p.dir, p.as
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd
}

// Start starts the server, or starts it again, and waits until it takes connections.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	p.server = p.command("postgres", "-D", filepath.Join(p.dir, "data"), "-k", p.dir, "-c", "listen_addresses=", "-c", "fsync=off")
	p.server.Stdout, p.server.Stderr = io.Discard, io.Discard
	if err := p.server.Start(); err != nil {
		t.Fatal(err)
	}
	ready := func() bool { return p.command("pg_isready", "-h", p.dir).Run() == nil }
	if !eventually.Within(startTimeout, ready) {
		t.Fatal("PostgreSQL does not take connections")
	}
}

// Stop ends the server at once, as a crash does.
func (p *Postgres) Stop() {
	if p.server != nil {
		_ = p.server.Process.Signal(syscall.SIGQUIT)
		_ = p.server.Wait()
		p.server = nil
	}
}
