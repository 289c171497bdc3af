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
	bytes int64
}

// NewMemory returns a reader of memory.
func NewMemory(meter orchestrator.Meter, now func() time.Time) *Memory {
	return &Memory{meter: meter, now: now, readings: map[string]reading{}}
}

// Of is the private memory of an instance in bytes, read at most so long ago; 0 if it is not known.
func (m *Memory) Of(in orchestrator.Instance, age time.Duration) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	run, now := in.Name+" "+in.Started.String(), m.now()
	if r, ok := m.readings[run]; ok && now.Sub(r.at) < age {
		return r.bytes
	}
	stats, running := m.meter.Stats(in.Name)
	if !running {
		delete(m.readings, run)
		return 0
	}
	maps.DeleteFunc(m.readings, func(_ string, r reading) bool { return now.Sub(r.at) > memoryKept })
	m.readings[run] = reading{now, stats.MemoryBytes}
	return stats.MemoryBytes
}
