// Package xdsclient holds the control plane of the mesh against a client that is not ours: the xDS client of grpc-go takes
// what the server of pkg/mesh/ads gives it, and calls by it. It is a module of its own, so that the shop's binary and its
// tests stay without that client.
package xdsclient
