// Package dockertest brings whole shops up on a real engine: Debian's docker.io, which the tests start in namespaces of its own, with
// its own socket, data and network. They need root on Linux, and run with "make test-docker".
package dockertest
