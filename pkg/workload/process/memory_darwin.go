package process

// privateMemory is 0, which means unknown: macOS has no equivalent of smaps_rollup that can be read without cgo,
// and the resident set would count the pages of the one binary again for every process.
func privateMemory(int) int64 { return 0 }

// limitsMemory: memory limits have an effect on this system. macOS would need cgo to measure what a process has allocated.
const limitsMemory = false

func anonymousMemory(int) int64 { return 0 }

func childrenOf(int) []int { return nil }

// processorTime is not measured on this system.
func processorTime(int) (float64, bool) { return 0, false }
