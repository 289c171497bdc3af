package connlimit

import "golang.org/x/sys/unix"

// most and least bound what Share returns.
const most, least = 4096, 32

// Share is how many connections a listener may have if each takes so many descriptors, and there are some ten listeners like
// it: an eighth of what the process may open.
func Share(descriptors int) int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil || limit.Cur > 8*most*uint64(descriptors) {
		return most
	}
	return max(least, int(limit.Cur)/8/descriptors)
}
