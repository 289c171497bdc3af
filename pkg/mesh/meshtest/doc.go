// Package meshtest holds whole sidecars against attacks, floods and programs that are not ours. Its tests apply Istio's YAML
// to a real store, have a real control plane make resources of it and serve them, and start sidecars that take them from
// there, sign in with their tokens and get their certificates. Only the processes are missing: all of it runs in that of
// the test.
//
// What needs programs of Debian has the build tag peers, and is run by make test-peers.
package meshtest
