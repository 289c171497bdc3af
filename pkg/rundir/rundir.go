// Package rundir manages the directories of a shop, and determines whether the shop is running.
//
// Each shop has a name and two directories that only the user can open. The run directory contains
// what is true only while the daemon lives: the lock, the control socket and the list of processes.
// The state directory contains what outlives it: applied objects, data of services and logs.
//
// A shop runs exactly while its daemon holds the lock, which the kernel releases however the daemon
// ends. A run directory without a holder is dead, and the next holder of the lock can clean it.
// Only recorded processes are ended: a process is identified by its id and its start time
// together, so that another process that has the same id by now is left alone.
//
// A marker file makes a directory ours, and only files with names of ours (names.go) are ever removed from it. A
// directory with other contents, a symbolic link and what belongs to another user are refused.
package rundir

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
)

// Dir names the directories of one shop. It is a value; nothing on disk is touched until Create.
type Dir struct {
	// Name of the shop: "default".
	Name string
	// Run and State are absolute paths.
	Run, State         string
	socket, meshSocket string
}

// maxSocketPath is the longest path that fits into sockaddr_un on macOS, with its terminating zero; Linux allows 107.
const maxSocketPath = 103

// ErrNoHome reports that nothing names a directory for what outlives the daemon.
var ErrNoHome = errors.New("find state directory: neither SHOPCTL_STATE_DIR nor XDG_STATE_HOME nor HOME is set")

var validName = lazyregexp.New(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// Resolve finds the directories of the shop called name from the environment:
// SHOPCTL_RUN_DIR and SHOPCTL_STATE_DIR, else those of the XDG base directory specification, else
// a directory of the user's own under the one for temporary files, and ~/.local/state.
func Resolve(name string, getenv func(string) string) (Dir, error) {
	if !validName().MatchString(name) {
		return Dir{}, fmt.Errorf("shop name %q: use at most 40 lower case letters, digits and dashes", name)
	}
	run, err := filepath.Abs(runBase(getenv))
	if err != nil {
		return Dir{}, fmt.Errorf("find run directory: %w", err)
	}
	base, err := stateBase(getenv)
	if err != nil {
		return Dir{}, err
	}
	state, err := filepath.Abs(base)
	if err != nil {
		return Dir{}, fmt.Errorf("find state directory: %w", err)
	}
	d := Dir{Name: name, Run: filepath.Join(run, name), State: filepath.Join(state, name)}
	d.socket, d.meshSocket = filepath.Join(d.Run, socketName), filepath.Join(d.Mesh(), "ads.sock")
	sum := sha256.Sum256([]byte(d.Run))
	for prefix, path := range map[string]*string{"s-": &d.socket, "m-": &d.meshSocket} {
		if len(*path) > maxSocketPath {
			*path = filepath.Join(userTemp(getenv), prefix+hex.EncodeToString(sum[:8])+".sock")
		}
	}
	return d, nil
}

func runBase(getenv func(string) string) string {
	if dir := getenv("SHOPCTL_RUN_DIR"); dir != "" {
		return dir
	}
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "shopctl")
	}
	tmp := getenv("TMPDIR")
	if tmp == "" {
		tmp = "/tmp"
	}
	return filepath.Join(tmp, tempName())
}

// tempName is the name of the user's own directory in one that users share.
func tempName() string { return "shopctl-" + strconv.Itoa(os.Getuid()) }

// userTemp is short: TMPDIR may be what made the socket's path too long.
func userTemp(getenv func(string) string) string {
	tmp := getenv("TMPDIR")
	if tmp == "" || len(tmp) > 48 || !filepath.IsAbs(tmp) {
		tmp = "/tmp"
	}
	return filepath.Join(tmp, tempName())
}

func stateBase(getenv func(string) string) (string, error) {
	if dir := getenv("SHOPCTL_STATE_DIR"); dir != "" {
		return dir, nil
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "shopctl"), nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", ErrNoHome
	}
	return filepath.Join(home, ".local", "state", "shopctl"), nil
}

// Socket is the path of the control socket. It lies in the run directory unless that makes it
// longer than a socket's path may be.
func (d Dir) Socket() string { return d.socket }

// Logs is the directory of the instances' log files.
func (d Dir) Logs() string { return filepath.Join(d.State, logsName) }

// Data is the directory under which workloads keep what outlives them.
func (d Dir) Data() string { return filepath.Join(d.State, dataName) }

// Claims is the directory under which PersistentVolumeClaims have theirs.
func (d Dir) Claims() string { return filepath.Join(d.State, claimsName) }

// Volumes is the directory of the ConfigMaps and Secrets that instances mount.
func (d Dir) Volumes() string { return filepath.Join(d.State, volumesName) }

// Mesh is the directory of the mesh's control plane while it runs.
func (d Dir) Mesh() string { return filepath.Join(d.Run, meshName) }

// MeshSocket is where the control plane serves. Like Socket, it has to be short.
func (d Dir) MeshSocket() string { return d.meshSocket }

// Authority is the directory of the key and the certificate that sign those of sidecars.
func (d Dir) Authority() string { return filepath.Join(d.State, meshName) }

func (d Dir) lockFile() string { return filepath.Join(d.Run, lockName) }
func (d Dir) pidsFile() string { return filepath.Join(d.Run, pidsName) }

// Create makes the directories, readable only by the user, marks them as ours, and verifies that they can be written
// to. Directories that are not ours are refused as in Verify, before anything is made. Any error is one of the
// environment.
func (d Dir) Create() error {
	if err := d.Verify(); err != nil {
		return err
	}
	dirs := []string{filepath.Dir(d.Run), d.Run, d.State, d.Logs(), d.Data()}
	if short := filepath.Dir(d.meshSocket); short != d.Mesh() { // that of the control socket, if that needs one
		dirs = append(dirs, short)
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("create directory: %w", err)
		}
		if filepath.Base(dir) == tempName() {
			if err := os.Chmod(dir, 0o700); err != nil {
				return fmt.Errorf("restrict access to directory: %w", err)
			}
		}
	}
	if err := d.Verify(); err != nil {
		return err // another user was faster in a shared directory
	}
	for _, dir := range []string{d.Run, d.State} {
		if err := probe(dir); err != nil {
			return err
		}
		if err := mark(dir); err != nil {
			return err
		}
	}
	return nil
}

// probe writes what a small object needs, so that a full disk or a read-only one is found before
// anything is started.
func probe(dir string) error {
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("restrict access to directory: %w", err)
	}
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return fmt.Errorf("write to directory: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, 64<<10))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write to directory %s: %w", dir, err)
	}
	return nil
}

// Existing is the nearest path at or above one that exists, or cannot be checked.
func Existing(path string) string {
	for {
		_, err := os.Lstat(path)
		if !missing(err) || filepath.Dir(path) == path {
			return path
		}
		path = filepath.Dir(path)
	}
}

// exists reports whether the shop has a run directory, running or dead.
func (d Dir) exists() bool {
	info, err := os.Lstat(d.lockFile())
	return err == nil && info.Mode().IsRegular()
}

// List returns the shops that have a run directory, alive or dead, in order of their names.
func List(getenv func(string) string) ([]Dir, error) {
	entries, err := os.ReadDir(runBase(getenv))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list shops: %w", err)
	}
	var dirs []Dir
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if d, err := Resolve(e.Name(), getenv); err == nil && d.exists() {
			dirs = append(dirs, d)
		}
	}
	return dirs, nil
}
