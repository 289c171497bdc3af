package email

import "sync"

const (
	// keepLetters is how many letters of usual size an outbox keeps at least.
	keepLetters = 200
	// keepBytes bounds an outbox of larger ones.
	keepBytes = 4 << 20
)

// memoryOutbox keeps the latest letters for as long as the process runs.
type memoryOutbox struct {
	mu      sync.Mutex
	letters []letter // oldest first
	bytes   int
}

func (o *memoryOutbox) add(l letter) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.letters = append(o.letters, l)
	o.bytes += l.size()
	drop := 0
	for len(o.letters)-drop > 1 && (len(o.letters)-drop > keepLetters || o.bytes > keepBytes) {
		o.bytes -= o.letters[drop].size()
		o.letters[drop] = letter{} // releases its texts
		drop++
	}
	o.letters = o.letters[drop:]
	return nil
}

func (o *memoryOutbox) newest(n int) ([]letter, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []letter
	for i := len(o.letters) - 1; i >= 0 && len(found) < n; i-- {
		found = append(found, o.letters[i])
	}
	return found, nil
}
