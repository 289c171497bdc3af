package rundir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func env(t *testing.T) (map[string]string, func(string) string) {
	t.Helper()
	vars := map[string]string{
		"SHOPCTL_RUN_DIR":   filepath.Join(t.TempDir(), "run"),
		"SHOPCTL_STATE_DIR": filepath.Join(t.TempDir(), "state"),
	}
	return vars, func(k string) string { return vars[k] }
}

func created(t *testing.T) Dir {
	t.Helper()
	_, getenv := env(t)
	d, err := Resolve("default", getenv)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Create(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDirectoriesFollowTheEnvironment(t *testing.T) {
	for name, c := range map[string]struct {
		vars       map[string]string
		run, state string
	}{
		"own variables": {map[string]string{"SHOPCTL_RUN_DIR": "/r", "SHOPCTL_STATE_DIR": "/s", "XDG_RUNTIME_DIR": "/x"}, "/r/a", "/s/a"},
		"xdg":           {map[string]string{"XDG_RUNTIME_DIR": "/x", "XDG_STATE_HOME": "/y"}, "/x/shopctl/a", "/y/shopctl/a"},
		"home":          {map[string]string{"XDG_RUNTIME_DIR": "/x", "HOME": "/h"}, "/x/shopctl/a", "/h/.local/state/shopctl/a"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Resolve("a", func(k string) string { return c.vars[k] })
			if err != nil || d.Run != c.run || d.State != c.state {
				t.Errorf("got %q %q %v, want %q %q", d.Run, d.State, err, c.run, c.state)
			}
		})
	}
}

func TestNamesThatLeaveTheDirectoryAreRefused(t *testing.T) {
	_, getenv := env(t)
	for _, name := range []string{"", "..", "a/b", "A", "a.b", "-a", strings.Repeat("a", 41)} {
		if _, err := Resolve(name, getenv); err == nil {
			t.Errorf("name %q is accepted", name)
		}
	}
}

func TestASocketPathThatIsTooLongIsHashed(t *testing.T) {
	vars, getenv := env(t)
	vars["SHOPCTL_RUN_DIR"] = "/" + strings.Repeat("long/", 40)
	a, _ := Resolve("a", getenv)
	b, _ := Resolve("b", getenv)
	if len(a.Socket()) > maxSocketPath || a.Socket() == b.Socket() {
		t.Errorf("sockets %q and %q", a.Socket(), b.Socket())
	}
}

func TestTheDirectoriesAreTheUsersAlone(t *testing.T) {
	d := created(t)
	for _, dir := range []string{d.Run, d.State} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", dir, info.Mode(), err)
		}
	}
}

func TestTheNearestExistingPathIsAboveWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir: dir, file: file, filepath.Join(dir, "a", "b"): dir, filepath.Join(file, "below"): file,
	} {
		if got := Existing(path); got != want {
			t.Errorf("Existing(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestAStateDirectoryThatIsAFileIsAnError(t *testing.T) {
	vars, getenv := env(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	vars["SHOPCTL_STATE_DIR"] = file
	d, _ := Resolve("default", getenv)
	if err := d.Create(); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("create: %v", err)
	}
}

func TestTheLockIsHeldByOne(t *testing.T) {
	d := created(t)
	lock, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lock(); !errors.Is(err, ErrLocked) {
		t.Errorf("second lock: %v", err)
	}
	if pid, alive := d.Holder(); pid != os.Getpid() || !alive {
		t.Errorf("holder %d %v", pid, alive)
	}
	if err := lock.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.Run); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("run directory after remove: %v", err)
	}
	if _, alive := d.Holder(); alive {
		t.Error("a removed lock has a holder")
	}
}

func TestListNamesDeadAndLivingShops(t *testing.T) {
	_, getenv := env(t)
	for _, name := range []string{"b", "a"} {
		d, _ := Resolve(name, getenv)
		if err := d.Create(); err != nil {
			t.Fatal(err)
		}
		lock, err := d.Lock()
		if err != nil {
			t.Fatal(err)
		}
		if name == "a" {
			lock.Release()
		} else {
			defer lock.Release()
		}
	}
	dirs, err := List(getenv)
	if err != nil || len(dirs) != 2 || dirs[0].Name != "a" || dirs[1].Name != "b" {
		t.Errorf("list: %v %v", dirs, err)
	}
}

func TestCleaningEndsRecordedProcessesOnly(t *testing.T) {
	d := created(t)
	lock, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	ours, others := sleeper(t), sleeper(t)
	p, err := NewProcess("ours", ours.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	q, err := NewProcess("others", others.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	q.Start++ // the number was given to another process since
	if err := lock.Record([]Process{p, q}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Clean(t.Context(), time.Second); !errors.Is(err, ErrLocked) {
		t.Errorf("clean of a living shop: %v", err)
	}
	lock.Release()

	ended, err := d.Clean(context.Background(), 5*time.Second)
	if err != nil || len(ended) != 1 || ended[0].Name != "ours" {
		t.Errorf("clean: %v %v", ended, err)
	}
	if p.Alive() {
		t.Error("the recorded process lives")
	}
	if q.Start--; !q.Alive() {
		t.Error("the other process was ended")
	}
	if again, err := d.Clean(t.Context(), time.Second); err != nil || len(again) != 0 {
		t.Errorf("clean twice: %v %v", again, err)
	}
}

func sleeper(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reaped := make(chan struct{})
	go func() {
		defer close(reaped)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-reaped
	})
	return cmd
}

func TestTheEngineOfADeadShopIsKnownUntilItIsCleaned(t *testing.T) {
	d := created(t)
	if host := d.Engine(); host != "" {
		t.Errorf("engine of a new shop: %q", host)
	}
	lock, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.RecordEngine("unix:///run/docker.sock"); err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil { // as at the daemon's death
		t.Fatal(err)
	}
	if host := d.Engine(); host != "unix:///run/docker.sock" {
		t.Errorf("engine %q", host)
	}
	if _, err := d.Clean(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if host := d.Engine(); host != "" {
		t.Errorf("engine after cleaning: %q", host)
	}
}
