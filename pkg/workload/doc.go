// Package workload gives Deployments and Services their meaning on one machine: it keeps the
// instances running that the objects ask for, and tells who is ready to be called.
//
// One goroutine, the Controller's, owns all state. Whatever happens (an object changed, an instance
// listens, failed a probe or exited, a back-off ended) only wakes it; it then looks at what is wanted
// and at what there is, and takes the steps that lead from one to the other. It is level-triggered: a
// wake-up more or less changes nothing, and a missed one costs nothing. Steps that take time run in
// goroutines of their own, which hand their result back to the loop.
//
// The vocabulary is Kubernetes'. A Deployment's pod template with all its references resolved is a
// revision, known by a hash; its instances keep their name over restarts, as pods do. A Service has
// one stable address per port, which outlives all instances: whoever dials it is spliced to a ready
// one, and instances that listen to the daemon are told the ready ones and dial them directly.
package workload
