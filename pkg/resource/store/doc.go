// Package store keeps the desired state of a shop: Kubernetes objects in a versioned store that one writer changes at
// a time and that any number of readers may watch.
//
// Manifests are defaulted and checked as the API server would, merged with the live objects as kubectl apply does, and
// kept in a file that is replaced atomically. Objects are copied on the way in and out.
//
// The shop's own objects are given to Open as defaults. As long as they are unchanged they follow the running binary;
// only objects that differ from them are written to the file.
package store
