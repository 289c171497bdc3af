package podspec

import (
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
)

// localMark begins the placeholder of an address in the pod's own network: "\x00local:localhost:8080\x00".
const localMark = "\x00local:"

// localhost is an address in the pod's own network, with the character before it.
var localhost = lazyregexp.New(`(^|[^A-Za-z0-9_.:-])(localhost|127\.0\.0\.1):([0-9]{1,5})\b`)

// markSiblings replaces localhost:N by a placeholder where a container of the pod declares the port N.
func markSiblings(text string, declared map[string]bool) string {
	if len(declared) == 0 || !strings.Contains(text, "localhost:") && !strings.Contains(text, "127.0.0.1:") {
		return text
	}
	re := localhost()
	return re.ReplaceAllStringFunc(text, func(match string) string {
		m := re.FindStringSubmatch(match)
		if !declared[m[3]] {
			return match
		}
		return m[1] + localMark + m[2] + ":" + m[3] + "\x00"
	})
}

// FillSiblings replaces the placeholders of addresses in the pod's own network. address returns what stands in for a
// declared port, "host:port"; empty: the address is valid as it was written.
func FillSiblings(text string, address func(number string) string) string {
	for {
		before, rest, ok := strings.Cut(text, localMark)
		if !ok {
			return text
		}
		written, after, _ := strings.Cut(rest, "\x00")
		_, number, _ := strings.Cut(written, ":")
		if addr := address(number); addr != "" {
			written = addr
		}
		text = before + written + after
	}
}

// StrayLocalhost are the ports of addresses in the pod's own network that no container declares.
func StrayLocalhost(text string) []string {
	var ports []string
	for _, m := range localhost().FindAllStringSubmatch(FillSiblings(text, func(string) string { return "-" }), -1) {
		ports = append(ports, m[3])
	}
	return ports
}

// declaredPorts are the ports that containers declare, if there are several containers to call each other.
func declaredPorts(all []Container) map[string]bool {
	if len(all) < 2 {
		return nil
	}
	declared := map[string]bool{}
	for _, c := range all {
		for _, p := range c.Ports {
			declared[strconv.Itoa(int(p.Number))] = true
		}
	}
	return declared
}

// markAll marks the addresses of siblings in what the containers are given.
func markAll(containers []Container, declared map[string]bool) {
	for i := range containers {
		for _, words := range [][]string{containers[i].Command, containers[i].Args, containers[i].Env} {
			for j := range words {
				words[j] = markSiblings(words[j], declared)
			}
		}
	}
}
