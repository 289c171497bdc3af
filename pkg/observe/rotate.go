package observe

import (
	"fmt"
	"os"
	"sync"
)

// rotatedSuffix marks the older of a log's two files.
const rotatedSuffix = ".1"

// rotatingFile is a log file that never holds more than twice its cap: when it is full it becomes the
// older file in place of the one before.
type rotatingFile struct {
	path string
	max  int64
	mu   sync.Mutex
	f    *os.File
	size int64
	// header begins each file.
	header []byte
}

// openRotating opens path for appending; max is the cap of each of its two files in bytes.
func openRotating(path string, max int64) (*rotatingFile, error) {
	r := &rotatingFile{path: path, max: max}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *rotatingFile) open() error {
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return err
	}
	r.f, r.size = f, info.Size()
	return nil
}

// begin writes a header, which later files begin with as well.
func (r *rotatingFile) begin(header []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.header = header
	return r.writeHeader()
}

func (r *rotatingFile) writeHeader() error {
	n, err := r.f.Write(r.header)
	r.size += int64(n)
	return err
}

// Write appends one or more whole lines.
func (r *rotatingFile) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.size > int64(len(r.header)) && r.size+int64(len(p)) > r.max {
		if err := r.rotate(); err != nil {
			return 0, fmt.Errorf("rotate %s: %w", r.path, err)
		}
	}
	n, err := r.f.Write(p)
	r.size += int64(n)
	return n, err
}

func (r *rotatingFile) rotate() error {
	if err := r.f.Close(); err != nil {
		return err
	}
	if err := os.Rename(r.path, r.path+rotatedSuffix); err != nil {
		return err
	}
	if err := r.open(); err != nil {
		return err
	}
	return r.writeHeader()
}

// Close closes the file.
func (r *rotatingFile) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.f.Close()
}
