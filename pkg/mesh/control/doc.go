// Package control is the control plane of the mesh: it watches the objects and the endpoints of a shop, and makes of them
// what each sidecar is configured with. Everything it decides is a pure function of the two; what it keeps is which
// sidecars there are.
package control
