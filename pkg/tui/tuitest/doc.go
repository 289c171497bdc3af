// Package tuitest provides an in-memory daemon, and the shop that it reports, for tests of the screen.
package tuitest
