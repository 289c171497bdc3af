// Package resource is the single truth about what the shop should be: Kubernetes objects in a versioned
// store that one writer changes at a time and that everybody may watch.
//
// Objects come in as manifests (sub-package decode reads YAML), are given defaults and checked as the API
// server would (admission), are merged with what is there as kubectl apply does (merge), and are kept in a
// file that is replaced atomically. Whatever is handed out is a copy; whatever goes in is copied.
//
// The shop's own objects are given to Open as defaults. As long as nobody changes them they follow the
// running binary; only what differs from them is written down.
package resource
