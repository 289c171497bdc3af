package podspec

import (
	"bytes"
	"fmt"
	"strings"
)

// The placeholders in a Template. None can occur in the value of an environment variable.
const (
	nameMark    = "\x00pod\x00"
	portMark    = "\x00port\x00"
	podIPMark   = "\x00podIP\x00"
	nodeMark    = "\x00node\x00"
	nodeIPMark  = "\x00nodeIP\x00"
	serviceMark = "\x00service:"
)

// mark is the placeholder of a Service's address.
func (r Reference) mark() string {
	return fmt.Sprintf("%s%s:%d\x00", serviceMark, r.Service, r.Port)
}

// Fill makes the pod of the given name. address returns what stands in for a reference of a container: "host:port".
func (t *Template) Fill(name string, address func(container string, ref Reference) string) Pod {
	pod := t.Pod
	pod.Name = name
	pod.Volumes = FillVolumes(t.Pod.Volumes, name)
	fill := func(all []Container) []Container {
		out := make([]Container, len(all))
		for i, c := range all {
			pairs := []string{nameMark, name}
			for _, ref := range c.References {
				pairs = append(pairs, ref.mark(), address(c.Name, ref))
			}
			r := strings.NewReplacer(pairs...)
			c.Command, c.Args, c.Env = replaceAll(r, c.Command), replaceAll(r, c.Args), replaceAll(r, c.Env)
			out[i] = c
		}
		return out
	}
	pod.InitContainers, pod.Containers = fill(t.Pod.InitContainers), fill(t.Pod.Containers)
	return pod
}

// FillVolumes returns volumes with the name of the pod that they belong to.
func FillVolumes(volumes []Volume, name string) []Volume {
	out := make([]Volume, len(volumes))
	for i, v := range volumes {
		out[i] = v
		out[i].Files = nil
		if v.Files != nil {
			out[i].Files = make(map[string][]byte, len(v.Files))
		}
		for path, content := range v.Files {
			out[i].Files[path] = bytes.ReplaceAll(content, []byte(nameMark), []byte(name))
		}
	}
	return out
}

func replaceAll(r *strings.Replacer, words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = r.Replace(w)
	}
	return out
}

// Place is where a pod runs: what the driver that runs it knows.
type Place struct {
	PodIP string
	// Node is the name of the machine, and NodeIP its address.
	Node, NodeIP string
}

// Fill replaces the placeholders of the place.
func (p Place) Fill(text string) string {
	if !strings.Contains(text, "\x00") {
		return text
	}
	return strings.NewReplacer(podIPMark, p.PodIP, nodeMark, p.Node, nodeIPMark, p.NodeIP).Replace(text)
}

// FillPort replaces the placeholder of a container's own port.
func FillPort(text, port string) string { return strings.ReplaceAll(text, portMark, port) }
