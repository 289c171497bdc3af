package podspec

import (
	"bytes"
	"fmt"
	"net"
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

// hostMark and portMark are the placeholders of its parts.
func (r Reference) hostMark() string {
	return fmt.Sprintf("%shost:%s:%d\x00", serviceMark, r.Service, r.Port)
}

func (r Reference) portMark() string {
	return fmt.Sprintf("%sport:%s:%d\x00", serviceMark, r.Service, r.Port)
}

// pairs are the placeholders of a reference and what replaces them.
func (r Reference) pairs(addr string) []string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	return []string{r.mark(), addr, r.hostMark(), host, r.portMark(), port}
}

// Fill makes the pod of the given name. address returns what stands in for a reference of a container: "host:port".
func (t *Template) Fill(name string, address func(container string, ref Reference) string) Pod {
	pod := t.Pod
	pod.Name = name
	pod.Volumes = t.FillVolumes(name, address)
	fill := func(all []Container) []Container {
		out := make([]Container, len(all))
		for i, c := range all {
			pairs := []string{nameMark, name}
			for _, ref := range c.References {
				pairs = append(pairs, ref.pairs(address(c.Name, ref))...)
			}
			for _, ref := range c.linked {
				pairs = append(pairs, ref.pairs(address(c.Name, ref))...)
			}
			r := strings.NewReplacer(pairs...)
			c.Command, c.Args, c.Env = replaceAll(r, c.Command), replaceAll(r, c.Args), replaceAll(r, c.Env)
			c.Links = replaceAll(r, c.Links)
			out[i] = c
		}
		return out
	}
	pod.InitContainers, pod.Containers = fill(t.Pod.InitContainers), fill(t.Pod.Containers)
	return pod
}

// FillVolumes returns the volumes of the pod of the given name. An address in a file is that of the first container that
// mounts the volume.
func (t *Template) FillVolumes(name string, address func(container string, ref Reference) string) []Volume {
	out := make([]Volume, len(t.Pod.Volumes))
	for i, v := range t.Pod.Volumes {
		out[i] = v
		if v.Files == nil {
			continue
		}
		pairs := []string{nameMark, name}
		for _, c := range t.Pod.All() {
			if mounts(&c, v.Name) && len(pairs) == 2 {
				for _, ref := range c.References {
					pairs = append(pairs, ref.pairs(address(c.Name, ref))...)
				}
			}
		}
		r := strings.NewReplacer(pairs...)
		out[i].Files = make(map[string][]byte, len(v.Files))
		for path, content := range v.Files {
			out[i].Files[path] = content
			if bytes.IndexByte(content, 0) >= 0 {
				out[i].Files[path] = []byte(r.Replace(string(content)))
			}
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
