// Package resource defines the Kubernetes objects of a shop: each [Kind] in a file of its own with its names, defaults,
// checks, columns and description, and the edits of Deployments that commands make.
//
// Sub-package decode reads manifests from YAML, store keeps the objects, merge computes what an apply changes, render
// writes objects as YAML, JSON and differences, and admission holds the checks that kinds have in common.
package resource
