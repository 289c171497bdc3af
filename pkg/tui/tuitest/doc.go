// Package tuitest has a daemon in memory, and the shop that it reports, for tests of the screen.
package tuitest
