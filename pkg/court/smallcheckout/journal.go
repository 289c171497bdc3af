package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// state is how far an order is.
type state string

const (
	charging state = "charging" // the card is about to be charged
	shipping state = "shipping" // it is charged, and about to be shipped
	shipped  state = "shipped"  // the cart and the mail are left
	done     state = "done"
	failed   state = "failed" // all was taken back
)

// record is a line of the journal: an order as it is then. The last line of a key counts.
type record struct {
	Key, ID, User, Email string
	State                state
	Transaction          string
	Order                []byte // an OrderResult
}

// journal is a file of lines. A line that was written outlives the process.
type journal struct {
	mu   sync.Mutex
	file *os.File
	last map[string]record
}

func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal CHECKOUT_JOURNAL=%q: %w", path, err)
	}
	j := &journal{file: file, last: map[string]record{}}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var r record
		if json.Unmarshal(lines.Bytes(), &r) == nil { // the last line may be cut
			j.last[r.Key] = r
		}
	}
	return j, lines.Err()
}

func (j *journal) write(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	j.last[r.Key] = r
	return nil
}

func (j *journal) find(key string) record {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last[key]
}

// open are the orders that have not ended.
func (j *journal) open() (all []record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range j.last {
		if r.State != done && r.State != failed {
			all = append(all, r)
		}
	}
	return all
}
