// Package restore returns a shop to its state before a lesson: faults, objects and load.
//
// The state before the lesson is kept in a file until it has been restored, so that not even kill -9 leaves the shop
// changed for good: the next session to open the journal restores it first.
package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"google.golang.org/grpc"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// ErrBusy means that another lesson is open on the same shop.
var ErrBusy = errors.New("another lesson is open on this shop")

// Shop is the part of the daemon's API that restoring needs; control.Client has it.
type Shop interface {
	Status(ctx context.Context, r *controlpb.StatusRequest, opts ...grpc.CallOption) (*controlpb.StatusResponse, error)
	Faults
	Objects
}

// Faults lists and clears faults.
type Faults interface {
	ListFaults(ctx context.Context, r *controlpb.ListFaultsRequest, opts ...grpc.CallOption) (*controlpb.ListFaultsResponse, error)
	ClearFaults(ctx context.Context, r *controlpb.ClearFaultsRequest, opts ...grpc.CallOption) (*controlpb.ClearFaultsResponse, error)
}

// Objects reads and writes objects.
type Objects interface {
	Get(ctx context.Context, r *controlpb.GetRequest, opts ...grpc.CallOption) (*controlpb.GetResponse, error)
	Apply(ctx context.Context, r *controlpb.ApplyRequest, opts ...grpc.CallOption) (*controlpb.ApplyResponse, error)
	Delete(ctx context.Context, r *controlpb.DeleteRequest, opts ...grpc.CallOption) (*controlpb.DeleteResponse, error)
}

// Config configures a journal; all fields are required.
type Config struct {
	Shop Shop
	// Dir is the directory of the file. It must exist.
	Dir string
	Now func() time.Time
}

// Journal records the state of a shop before a lesson and restores it. It is locked while it is open: two lessons
// would undo each other's work. Its methods are not to be called at the same time.
type Journal struct {
	shop Shop
	now  func() time.Time
	path string
	lock *os.File
	// daemon identifies one run of the daemon: faults do not outlive it.
	daemon string
	// before is the recorded state, nil until Record.
	before *state
}

// Open locks the journal of a shop. The error is ErrBusy while another lesson has it open.
func Open(ctx context.Context, c Config) (*Journal, error) {
	st, err := c.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, fmt.Errorf("read the shop's state: %w", err)
	}
	base := filepath.Join(c.Dir, ".before-"+st.GetName())
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
	return &Journal{shop: c.Shop, now: c.Now, path: base + ".json", lock: lock, daemon: daemon}, nil
}

// Close unlocks the journal. What is recorded stays.
func (j *Journal) Close() error { return j.lock.Close() }

// Forget removes what is recorded, once it has been restored.
func (j *Journal) Forget() error {
	if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the lesson's journal: %w", err)
	}
	return nil
}

// read returns what is recorded in the file, nil if there is nothing.
func (j *Journal) read() (*state, error) {
	raw, err := os.ReadFile(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the lesson's journal: %w", err)
	}
	var st state
	if err := json.Unmarshal(raw, &st); err != nil {
		// The file is replaced by rename, so it is never half written: it was edited by hand and is of no use.
		return nil, j.Forget()
	}
	return &st, nil
}

func (j *Journal) write(st *state) error {
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

// Recover undoes what a lesson that was killed left behind, and returns its id; empty if there is nothing to undo.
func (j *Journal) Recover(ctx context.Context) (lesson string, err error) {
	left, err := j.read()
	if err != nil || left == nil {
		return "", err
	}
	if err := errors.Join(j.restore(ctx, left), j.restoreLoad(ctx, left)); err != nil {
		return "", fmt.Errorf("undo what lesson %s left behind: %w", left.Lesson, err)
	}
	return left.Lesson, j.Forget()
}

// Recover undoes what a lesson that was killed left on a shop. While a lesson is open there it does nothing: that
// one has begun by recovering.
func Recover(ctx context.Context, c Config) error {
	j, err := Open(ctx, c)
	if errors.Is(err, ErrBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = j.Recover(ctx)
	return errors.Join(err, j.Close())
}
