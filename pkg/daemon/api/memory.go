package api

import (
	"maps"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

const (
	// memoryPause is how old a reading of an instance's memory may be where people look at it: reading it makes the kernel
	// walk its page tables.
	memoryPause = 15 * time.Second
	// memoryKept is how long a reading is kept after the last one.
	memoryKept = 10 * time.Minute
)

// Memory reads how much private memory instances have. All views show its readings, so that they agree.
type Memory struct {
	meter orchestrator.Meter
	now   func() time.Time

	mu       sync.Mutex
	readings map[string]reading // by run
}

type reading struct {
	at    time.Time
	bytes Bytes
}

// Bytes are the private memory of an instance in bytes, by its containers.
type Bytes map[string]int64

// Total is that of the instance.
func (b Bytes) Total() int64 {
	var sum int64
	for _, n := range b {
		sum += n
	}
	return sum
}

// NewMemory returns a reader of memory.
func NewMemory(meter orchestrator.Meter, now func() time.Time) *Memory {
	return &Memory{meter: meter, now: now, readings: map[string]reading{}}
}

// Of is the private memory of an instance, read at most so long ago; nil if it is not known.
func (m *Memory) Of(in orchestrator.Instance, age time.Duration) Bytes {
	m.mu.Lock()
	defer m.mu.Unlock()
	run, now := in.Name+" "+in.Started.String(), m.now()
	if r, ok := m.readings[run]; ok && now.Sub(r.at) < age {
		return r.bytes
	}
	used, running := m.meter.Memory(in.Name)
	if !running {
		delete(m.readings, run)
		return nil
	}
	maps.DeleteFunc(m.readings, func(_ string, r reading) bool { return now.Sub(r.at) > memoryKept })
	m.readings[run] = reading{now, used}
	return used
}
