// Package apiserver records what a real kube-apiserver says to manifests, so that the shop's own admission can be held
// against it without one.
//
// The cases are tables in testdata/cases. The test starts etcd and kube-apiserver in its own process, applies each case
// as kubectl does, and compares the outcomes with the recording in the repository's testdata/apiserver; with -update it
// writes the recording. Package resource/store tests the shop against the same files. It is a module of its own, as Kubernetes
// brings a thousand packages that the shop must not carry.
package apiserver
