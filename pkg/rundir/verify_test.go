package rundir

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// write makes files, with a last path element of "/" for an empty directory.
func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// tree lists the files below root with their contents; directories end with a slash.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, _ := filepath.Rel(root, path)
		switch {
		case e.IsDir():
			files[name+"/"] = ""
		case e.Type().IsRegular():
			content, err := os.ReadFile(path)
			files[name] = string(content)
			return err
		default:
			files[name] = e.Type().String()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func resolved(t *testing.T) Dir {
	t.Helper()
	_, getenv := env(t)
	d, err := Resolve("default", getenv)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wantRefused(t *testing.T, err error, path, hint string) {
	t.Helper()
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Path != path || refused.Hint != hint || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want a refusal of %s with hint %s", err, path, hint)
	}
}

func TestADirectoryThatHoldsOtherFilesIsRefusedAndKept(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"a file":                       {"index.html": "x"},
		"a hidden file":                {".git/config": "x"},
		"our names and another":        {"lock": "12\n", "objects.json": "{}", "main.c": "x"},
		"a lock of another program":    {"lock": "in use by make"},
		"a directory called as a file": {"lock/a": "x", "daemon.log/a": "x"},
		"a marker of another program":  {".shopctl-directory": "", "main.c": "x"},
	} {
		t.Run(name, func(t *testing.T) {
			d := resolved(t)
			write(t, d.Run, files)
			wantRefused(t, d.Create(), d.Run, RunHint)
			if _, err := d.Clean(t.Context(), time.Second); d.exists() {
				wantRefused(t, err, d.Run, RunHint)
			}
			if got := tree(t, d.Run); !containsAll(got, files) {
				t.Errorf("left: %v", got)
			}
			if _, err := os.Stat(d.State); err == nil {
				t.Error("a state directory was made")
			}

			d = resolved(t)
			write(t, d.State, files)
			wantRefused(t, d.Create(), d.State, StateHint)
			if got := tree(t, d.State); !containsAll(got, files) {
				t.Errorf("left: %v", got)
			}
		})
	}
}

func containsAll(got, want map[string]string) bool {
	for name, content := range want {
		if found, ok := got[name]; !ok || found != content {
			return false
		}
	}
	return true
}

func TestDirectoriesWithCommonNamesAloneAreNotTakenForOurs(t *testing.T) {
	d := resolved(t)
	write(t, d.State, map[string]string{"data/thesis.csv": "x", "logs/2024.log": "x"})
	wantRefused(t, d.Create(), d.State, StateHint)
}

func TestEmptyDirectoriesAndThoseOfEarlierVersionsAreAdopted(t *testing.T) {
	for name, c := range map[string]struct{ run, state map[string]string }{
		"empty":         {map[string]string{"/": ""}, map[string]string{"/": ""}},
		"after a crash": {map[string]string{"lock": "4711\n", "pids.json": "[]", "shopctl.sock": ""}, map[string]string{"daemon.log": "", "objects.json": "{}", "logs/cart-1.log": "x", "data/shop/cart/db": "x"}},
		"half made":     {map[string]string{"lock": ""}, map[string]string{"logs/": "", "data/": ""}},
		"set aside":     {map[string]string{"lock": "4711\n"}, map[string]string{"objects.json.corrupt-20260301T120000": "", "objects-monolith.json": "{}"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := resolved(t)
			write(t, d.Run, c.run)
			write(t, d.State, c.state)
			if err := d.Create(); err != nil {
				t.Fatal(err)
			}
			reset(t, d)
			for _, dir := range []string{d.Run, d.State} {
				if _, err := os.Lstat(dir); !os.IsNotExist(err) {
					t.Errorf("%s is left with %v", dir, tree(t, dir))
				}
			}
		})
	}
}

// reset removes the state and then the run directory.
func reset(t *testing.T, d Dir) {
	t.Helper()
	lock, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(lock.Reset(), lock.Remove()); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyOurFilesAreRemovedFromAMarkedDirectory(t *testing.T) {
	d := created(t)
	theirs := map[string]string{"notes.txt": "x", "src/main.c": "x", "objects.json/a": "x", "lock.old": "x"}
	write(t, d.Run, theirs)
	write(t, d.State, theirs)
	beside := map[string]string{"logs/notes.txt": "x", "data/notes.txt": "x", "data/shop/notes.txt": "x", "claims/notes.txt": "x", "volumes/notes.txt": "x"}
	write(t, d.State, beside)
	write(t, d.Run, map[string]string{"pids.json": "[]", "shopctl.sock": ""})
	write(t, d.State, map[string]string{"daemon.log": "", "objects-monolith.json.tmp": "", "logs/a.log": "", "logs/a.log.1": "", "data/shop/cart/db": "", "data/other/mine/db": "", "claims/shop/carts/rdb": "", "volumes/v/key": ""})
	reset(t, d)

	want := maps.Clone(theirs)
	maps.Copy(want, map[string]string{markerName: markerText, "src/": "", "objects.json/": ""})
	if got := tree(t, d.Run); !maps.Equal(got, want) {
		t.Errorf("run directory holds %v", slices.Sorted(maps.Keys(got)))
	}
	maps.Copy(want, beside)
	maps.Copy(want, map[string]string{"logs/": "", "data/": "", "data/shop/": "", "claims/": "", "volumes/": ""})
	if got := tree(t, d.State); !maps.Equal(got, want) {
		t.Errorf("state directory holds %v", slices.Sorted(maps.Keys(got)))
	}
	if err := d.Create(); err != nil {
		t.Errorf("the next run: %v", err)
	}
}

func TestSymbolicLinksAreRefused(t *testing.T) {
	for name, link := range map[string]func(d Dir) (at, hint string){
		"run directory":   func(d Dir) (string, string) { return d.Run, RunHint },
		"state directory": func(d Dir) (string, string) { return d.State, StateHint },
		"logs":            func(d Dir) (string, string) { return d.Logs(), StateHint },
		"lock":            func(d Dir) (string, string) { return d.lockFile(), RunHint },
	} {
		t.Run(name, func(t *testing.T) {
			d, docs := resolved(t), t.TempDir()
			at, hint := link(d)
			if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(docs, at); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, d.Create(), at, hint)
			if len(tree(t, docs)) != 0 {
				t.Error("files were made in the link's target")
			}
		})
	}
}

func TestALinkInPlaceOfOurTemporaryDirectoryIsRefused(t *testing.T) {
	tmp, docs, home := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, docs, map[string]string{"default/lock": "1\n", "default/pids.json": "[]"})
	at := filepath.Join(tmp, fmt.Sprintf("shopctl-%d", os.Getuid()))
	if err := os.Symlink(docs, at); err != nil {
		t.Fatal(err)
	}
	d, err := Resolve("default", func(k string) string { return map[string]string{"TMPDIR": tmp, "HOME": home}[k] })
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, d.Create(), at, RunHint)
	_, err = d.Clean(t.Context(), time.Second)
	wantRefused(t, err, at, RunHint)
	if got := tree(t, docs); len(got) != 3 {
		t.Errorf("left: %v", got)
	}
}

func TestAUsersOwnLinkMayLeadToTheDirectories(t *testing.T) {
	vars, getenv := env(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	vars["SHOPCTL_STATE_DIR"] = link
	d, _ := Resolve("default", getenv)
	if err := d.Create(); err != nil {
		t.Error(err)
	}
}

func TestADirectoryInWhichAllUsersCanExchangeOursIsRefused(t *testing.T) {
	d := resolved(t)
	base := filepath.Dir(d.State)
	if err := errors.Join(os.Mkdir(base, 0o700), os.Chmod(base, 0o777)); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, d.Create(), base, StateHint)
	if err := os.Chmod(base, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if err := d.Create(); err != nil {
		t.Errorf("with the sticky bit: %v", err)
	}
}

func TestRunAndStateDirectoriesAreApart(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	base := t.TempDir()
	if err := os.Symlink(base, link); err != nil {
		t.Fatal(err)
	}
	for name, state := range map[string]string{"same": base, "by a link": link, "inside": filepath.Join(base, "default")} {
		t.Run(name, func(t *testing.T) {
			d, err := Resolve("default", func(k string) string {
				return map[string]string{"SHOPCTL_RUN_DIR": base, "SHOPCTL_STATE_DIR": state}[k]
			})
			if err != nil {
				t.Fatal(err)
			}
			wantRefused(t, d.Create(), d.State, StateHint)
			if got := tree(t, base); len(got) != 0 {
				t.Errorf("made: %v", got)
			}
		})
	}
}

func TestOurFilesAreReadableOnlyByTheUser(t *testing.T) {
	d := created(t)
	lock, err := d.Lock()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if err := lock.Record(nil); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{d.Run, d.State} {
		for name := range tree(t, root) {
			info, err := os.Stat(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %v", name, info.Mode())
			}
		}
	}
}
