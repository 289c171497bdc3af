// Package workload gives Deployments and Services their meaning on one machine: it keeps the
// instances running that the objects ask for, and tells who is ready to be called.
package workload
