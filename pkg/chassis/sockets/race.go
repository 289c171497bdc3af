//go:build race

package sockets

// raceDetector: it follows a value from a writer to a reader in the same process through the net
// package's own calls, and would lose sight of it here.
const raceDetector = true
