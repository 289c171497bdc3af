package lesson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// ErrBusy tells that another lesson is open on the same shop.
var ErrBusy = errors.New("another lesson is open on this shop")

// journal is where the state of a shop before a lesson is written down until it has been rolled back,
// so that not even kill -9 leaves the shop changed for good. It is locked while a lesson is open: two
// would undo each other's work.
type journal struct {
	path   string
	lock   *os.File
	daemon string
}

func openJournal(ctx context.Context, d Deps) (*journal, error) {
	st, err := d.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, fmt.Errorf("read the shop's state: %w", err)
	}
	base := filepath.Join(filepath.Dir(d.Workspace), ".before-"+st.GetName())
	lock, err := os.OpenFile(base+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lesson's journal: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrBusy
		}
		return nil, fmt.Errorf("lock the lesson's journal: %w", err)
	}
	daemon := fmt.Sprintf("%d@%d", st.GetPid(), st.GetStarted().AsTime().UnixNano())
	return &journal{path: base + ".json", lock: lock, daemon: daemon}, nil
}

// read returns what is written, nil if there is nothing.
func (j *journal) read() (*state, error) {
	raw, err := os.ReadFile(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the lesson's journal: %w", err)
	}
	var st state
	if err := json.Unmarshal(raw, &st); err != nil {
		// Written by rename, so never half; whoever edited it cannot be followed.
		return nil, j.forget()
	}
	return &st, nil
}

func (j *journal) write(st *state) error {
	raw, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("write the lesson's journal: %w", err)
	}
	tmp := j.path + ".new"
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return fmt.Errorf("write the lesson's journal: %w", err)
	}
	if err := os.Rename(tmp, j.path); err != nil {
		return fmt.Errorf("write the lesson's journal: %w", err)
	}
	return nil
}

func (j *journal) forget() error {
	if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the lesson's journal: %w", err)
	}
	return nil
}

// close lets go of the lock.
func (j *journal) close() error { return j.lock.Close() }
