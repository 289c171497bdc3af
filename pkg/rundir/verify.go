package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The names of what shopctl makes in a shop's directories.
const (
	lockName      = "lock"
	pidsName      = "pids.json"
	engineName    = "engine"
	socketName    = "shopctl.sock"
	probePattern  = ".probe-*"
	daemonLogName = "daemon.log"
	// previousSuffix ends the names of what is kept of the shop's last run.
	previousSuffix = ".1"
	logsName       = "logs"
	dataName       = "data"
	claimsName     = "claims"
	volumesName    = "volumes"
	meshName       = "mesh"
	// ObjectsName and MonolithObjectsName are the files of changed objects, in the state directory.
	ObjectsName         = "objects.json"
	MonolithObjectsName = "objects-monolith.json"
)

// A marker is a file that makes a directory ours: files with our names may be removed from it.
const (
	markerName = ".shopctl-directory"
	markerText = "shopctl made this directory, and removes its own files from it. Keep your files elsewhere.\n"
)

// RunHint and StateHint are commands that choose other directories.
const (
	RunHint   = `export SHOPCTL_RUN_DIR="$HOME/.shopctl/run"`
	StateHint = `export SHOPCTL_STATE_DIR="$HOME/.shopctl/state"`
)

// RefusedError reports a directory that is not safe to use, because it may contain what is not ours or another user
// may have put it there. Nothing was changed in it.
type RefusedError struct {
	// Path of the directory.
	Path   string
	Reason string
	// Hint is a command to run next.
	Hint string
}

func (e *RefusedError) Error() string {
	return "use directory " + strconv.Quote(e.Path) + ": " + e.Reason
}

// Verify reports as a RefusedError if a directory of the shop exists and is not ours. It changes nothing.
func (d Dir) Verify() error {
	if err := d.VerifyRun(); err != nil {
		return err
	}
	return d.VerifyState()
}

// VerifyRun is Verify for the run directory.
func (d Dir) VerifyRun() error {
	if at := filepath.Dir(d.socket); at != d.Run {
		if err := verifyBase(at, RunHint); err != nil {
			return err
		}
	}
	return verifyDir(d.Run, runNames(), RunHint)
}

// VerifyState is Verify for the state directory.
func (d Dir) VerifyState() error {
	run, state := resolve(d.Run), resolve(d.State)
	if within(run, state) || within(state, run) {
		return &RefusedError{d.State, "it is the run directory too, or one is inside the other: " + d.Run, StateHint}
	}
	return verifyDir(d.State, stateNames(), StateHint)
}

func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// resolve follows the symbolic links of a path that need not exist.
func resolve(path string) string {
	at := Existing(path)
	real, err := filepath.EvalSymlinks(at)
	if err != nil {
		return path
	}
	return real + strings.TrimPrefix(path, at)
}

// verifyBase refuses a parent of shops' directories that another user put there or can exchange. Our own directory
// for temporary files must not be a symbolic link either; others may be the user's own link.
func verifyBase(base, hint string) error {
	info, err := os.Lstat(base)
	if missing(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read directory: %w", err)
	}
	temporary := filepath.Base(base) == tempName()
	if info.Mode()&fs.ModeSymlink != 0 {
		if temporary {
			return &RefusedError{base, "it is a symbolic link", hint}
		}
		if uid := owner(info); uid != os.Getuid() && uid != 0 {
			return &RefusedError{base, fmt.Sprintf("it is a symbolic link of user %d, not of yours", uid), hint}
		}
		if info, err = os.Stat(base); err != nil {
			return fmt.Errorf("read directory: %w", err)
		}
	}
	if !info.IsDir() {
		return nil // making a directory in it reports that
	}
	uid := owner(info)
	switch {
	case uid != os.Getuid() && (uid != 0 || temporary):
		return &RefusedError{base, fmt.Sprintf("it belongs to user %d, not to you", uid), hint}
	case !temporary && info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
		return &RefusedError{base, "all users can write to it", hint}
	}
	return nil
}

// verifyDir refuses a directory of a shop that exists and is neither marked nor adoptable.
func verifyDir(dir string, names []ownName, hint string) error {
	if err := verifyBase(filepath.Dir(dir), hint); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	switch {
	case missing(err):
		return nil
	case err != nil:
		return fmt.Errorf("read directory: %w", err)
	case info.Mode()&fs.ModeSymlink != 0:
		return &RefusedError{dir, "it is a symbolic link", hint}
	case !info.IsDir():
		return nil // making it reports that
	case owner(info) != os.Getuid():
		return &RefusedError{dir, fmt.Sprintf("it belongs to user %d, not to you", owner(info)), hint}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read directory: %w", err)
	}
	for _, e := range entries {
		_, ours := find(names, e)
		if !ours && e.Type()&fs.ModeSymlink != 0 && isOwnName(names, e.Name()) {
			return &RefusedError{filepath.Join(dir, e.Name()), "it is a symbolic link", hint}
		}
	}
	if isMarked(dir) {
		return nil
	}
	if foreign, ok := adoptable(dir, names, entries); !ok {
		return &RefusedError{dir, fmt.Sprintf("shopctl did not make it, and it is not empty: it contains %q", foreign), hint}
	}
	return nil
}

func isMarked(dir string) bool {
	path := filepath.Join(dir, markerName)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || owner(info) != os.Getuid() {
		return false
	}
	content, err := os.ReadFile(path)
	return err == nil && string(content) == markerText
}

// mark makes a verified directory ours.
func mark(dir string) error {
	if isMarked(dir) {
		return nil
	}
	if err := os.WriteFile(filepath.Join(dir, markerName), []byte(markerText), 0o600); err != nil {
		return fmt.Errorf("write to directory: %w", err)
	}
	return nil
}

// owner is the id of the user that a file belongs to.
func owner(info fs.FileInfo) int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return os.Getuid()
}

// missing reports whether a path does not exist, or cannot because a parent is a file.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
