// Package translate turns Istio's objects and the endpoints of a shop into what a sidecar of it is configured with:
// Envoy's routes, clusters and endpoints for calls that go out, and filter chains for those that come in. Its functions
// are pure. They name and fill things as istiod does, and the test holds them against what istiod makes of each case.
//
// Objects are taken as they are: whether Istio accepts them is decided before they are stored. Left out are the chains
// for ports that a workload does not declare (a sidecar has a listener for each port), routes of TCP and TLS, delegated
// virtual services, locality and warm-up of load balancing, and TLS with certificates from files, whose clusters are
// without endpoints.
package translate
