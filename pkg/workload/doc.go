// Package workload is the orchestrator of one machine: it keeps the instances running that Deployments describe, and
// routes the calls of Services to those that are ready.
//
// One goroutine, the Controller's, owns all state. Whatever happens (an object changed, a container listens, failed a
// probe or exited, a back-off ended) only wakes it; it then compares the desired state with the actual one, and takes
// the steps that lead from one to the other. It is level-triggered: an extra wake-up changes nothing, and a missed one
// costs nothing. Steps that take time run in separate goroutines, which send their results to the loop.
//
// The vocabulary is Kubernetes'. A Deployment's pod template with its references resolved is a revision, known by a
// hash; its pods keep their name across restarts. The containers of a pod start in order (init containers, sidecars, then
// the others), restart one by one, and make their pod ready together. A Service has one stable address per port, which
// outlives all instances: a connection to it is spliced to a ready one, and instances with a lifeline receive the
// ready ones and dial them directly.
//
// What runs containers is a Driver below this package. It starts and stops them; when and why is decided here.
package workload
