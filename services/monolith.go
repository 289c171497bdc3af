package services

import _ "embed" // the manifest

// MonolithName is the workload that runs all services of the shop in one process, and the name of its image.
const MonolithName = "monolith"

// MonolithManifest holds the monolith's Kubernetes objects: one Deployment, and a Service for each module.
//
//go:embed monolith.yaml
var MonolithManifest []byte

// Monolith is the shop in one process. It is not among All, since it replaces those: a shop has one form or the other.
func Monolith() Builtin {
	b := Builtin{Name: MonolithName, Workload: MonolithName, Role: RoleService}
	for _, m := range Modules() {
		b.GRPC = append(b.GRPC, m.GRPC...)
	}
	return b
}

// Modules are the services of the monolith.
func Modules() []Builtin {
	var modules []Builtin
	for _, b := range All() {
		if b.Module() {
			modules = append(modules, b)
		}
	}
	return modules
}
