package email

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// fileOutbox appends letters to a file, one JSON object a line, with one write each, so that they survive a kill. A full
// file becomes the older of two, and the oldest letters are dropped with the file that it replaces. Lines that are not
// letters are skipped, so that an incomplete write loses one letter only.
type fileOutbox struct {
	path  string // of the newer file
	older string

	mu      sync.Mutex
	file    *os.File
	letters int
	bytes   int64
	// torn is set if the file may end in the middle of a line; failed is the error of the last write.
	torn   bool
	failed error
}

// openOutbox opens the outbox in a directory, and returns the ids of the orders of its letters, oldest first.
func openOutbox(dir string) (*fileOutbox, []string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("open outbox: %w", err)
	}
	o := &fileOutbox{path: filepath.Join(dir, "outbox.jsonl"), older: filepath.Join(dir, "outbox.old.jsonl")}
	if err := o.open(); err != nil {
		return nil, nil, err
	}
	all, err := o.newest(2*keepLetters + 1)
	if err != nil {
		return nil, nil, errors.Join(err, o.file.Close())
	}
	orders := make([]string, 0, len(all))
	for _, l := range slices.Backward(all) {
		orders = append(orders, l.OrderID)
	}
	return o, orders, nil
}

// open opens or creates the newer file and reads its size and state.
func (o *fileOutbox) open() error {
	file, err := os.OpenFile(o.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open outbox: %w", err)
	}
	data, err := os.ReadFile(o.path)
	if err != nil {
		return errors.Join(fmt.Errorf("open outbox: %w", err), file.Close())
	}
	if o.file != nil {
		_ = o.file.Close()
	}
	o.file, o.letters, o.bytes = file, bytes.Count(data, []byte{'\n'}), int64(len(data))
	o.torn = len(data) > 0 && data[len(data)-1] != '\n'
	return nil
}

func (o *fileOutbox) add(l letter) error {
	var row bytes.Buffer
	encoder := json.NewEncoder(&row)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(l); err != nil {
		return fmt.Errorf("store mail: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.letters >= keepLetters || o.bytes >= keepBytes {
		if err := o.rotate(); err != nil {
			o.failed = err
			return fmt.Errorf("store mail: %w", err)
		}
	}
	if err := o.write(row.Bytes()); err != nil {
		return fmt.Errorf("store mail: %w", err)
	}
	o.letters++
	return nil
}

// rotate makes the newer file the older one.
func (o *fileOutbox) rotate() error {
	if err := os.Rename(o.path, o.older); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return o.open()
}

// write appends a whole line.
func (o *fileOutbox) write(row []byte) error {
	if o.torn {
		row = append([]byte{'\n'}, row...)
	}
	n, err := o.file.Write(row)
	o.bytes += int64(n)
	o.failed = err
	switch {
	case err == nil:
		o.torn = false
	case n > 0:
		o.torn = true
	}
	return err
}

// newest reads the files backwards.
func (o *fileOutbox) newest(n int) ([]letter, error) {
	o.mu.Lock() // no letter moves to the older file between the two reads
	defer o.mu.Unlock()
	var found []letter
	for _, path := range []string{o.path, o.older} {
		data, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for len(data) > 0 && len(found) < n {
			start := bytes.LastIndexByte(bytes.TrimSuffix(data, []byte{'\n'}), '\n') + 1
			var l letter
			if json.Unmarshal(data[start:], &l) == nil && l.ID != "" {
				found = append(found, l)
			}
			data = data[:start]
		}
	}
	return found, nil
}

// check reports whether letters can be stored. It creates a deleted file again; after a failed write, it tries one with
// an empty line.
func (o *fileOutbox) check() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	there, err := os.Stat(o.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	opened, openedErr := o.file.Stat()
	if err != nil || openedErr != nil || !os.SameFile(there, opened) {
		if err := o.open(); err != nil {
			return err
		}
	}
	if o.failed != nil {
		return o.write([]byte{'\n'})
	}
	return nil
}

func (o *fileOutbox) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.file.Close()
}
