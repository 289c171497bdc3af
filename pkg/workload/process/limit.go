package process

import (
	"fmt"
	"strconv"
	"time"

	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// How often the memory of a container with a limit is measured. Built-in services, which are known, are measured less
// often and all at the same moments, so that an idle shop wakes up seldom.
const (
	commandMemoryInterval = 500 * time.Millisecond
	builtinMemoryInterval = 5 * time.Second
)

// watchMemory kills the container when it has allocated more than its limit, as the kernel does with a cgroup.
func (c *container) watchMemory(limit int64) {
	interval := commandMemoryInterval
	if c.builtin != "" {
		interval = builtinMemoryInterval
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		timer.Reset(now.Truncate(interval).Add(interval).Sub(now))
		select {
		case <-c.done:
			return
		case <-timer.C:
		}
		used := c.allocated()
		if used <= limit {
			continue
		}
		c.mu.Lock()
		c.outOfMemory = fmt.Sprintf("it had allocated %s, and its memory limit is %s", mebibytes(used), c.spec.Resources.Limits.Memory())
		c.mu.Unlock()
		_ = c.kill() // it may have ended by itself
		return
	}
}

// allocated is the memory that the container has allocated, without that of its guard.
func (c *container) allocated() int64 {
	if c.builtin != "" {
		return anonymousMemory(c.pgid)
	}
	var sum int64
	for _, pid := range childrenOf(c.pgid) {
		sum += anonymousMemory(pid)
	}
	return sum
}

func mebibytes(n int64) string { return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB" }

// warnOfLimits warns of a memory limit that has no effect.
func warnOfLimits(c podspec.Container) []string {
	if limitsMemory || c.MemoryLimit() == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the memory limit of container %q has no effect on this system", c.Name)}
}
