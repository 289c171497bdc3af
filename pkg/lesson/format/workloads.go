package format

import (
	"bytes"
	"path"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/lesson/command"
)

// workloads are the names of the Deployments in the lesson's own files, and of the bus that its commands start: a lesson may bring
// services along.
func (l *Lesson) workloads() []string {
	var names []string
	for i := range l.Steps {
		if run := l.Steps[i].Block(RunKind); run != nil && slices.ContainsFunc(run.Run.Lines, startsBus) {
			names = append(names, "nats", "warehouse")
			break
		}
	}
	for _, file := range sortedKeys(l.Files) {
		if !slices.Contains([]string{".yaml", ".yml"}, path.Ext(file)) {
			continue
		}
		for dec := yaml.NewDecoder(bytes.NewReader(l.Files[file])); ; {
			var o struct {
				Kind     string
				Metadata struct{ Name string }
			}
			if dec.Decode(&o) != nil {
				break // the end, or a file that is there to be repaired
			}
			if o.Kind == "Deployment" {
				names = append(names, o.Metadata.Name)
			}
		}
	}
	return names
}

func startsBus(l command.Line) bool {
	return len(l.Args) > 1 && l.Args[0] == "bus" && l.Args[1] == "start"
}
