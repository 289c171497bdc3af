package serviceaddr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// Problem describes why an address that is not Known leads nowhere. names are the Services of its namespace.
func (m Match) Problem(services Services, names []string) string {
	ports, ok := services(m.Service)
	if !ok {
		return fmt.Sprintf("there is no Service %q in namespace %q%s", m.Service.Name, m.Service.Namespace, suggest.Phrase(m.Service.Name, names))
	}
	return fmt.Sprintf("service %s has no port %d, but %s", m.Service.Name, m.Port, join(ports))
}

func join(ports []int32) string {
	var texts []string
	for _, p := range slices.Sorted(slices.Values(ports)) {
		texts = append(texts, strconv.Itoa(int(p)))
	}
	return strings.Join(texts, ", ")
}

// Pair are two variables that hold the host and the port of a Service: REDIS_HOST and REDIS_PORT.
type Pair struct {
	Host, Port string
	Service    Service
	Number     int32
}

// hostNames end the names of variables that hold a host; the rest of the name ends with a port's in the other variable.
func hostNames() []string { return []string{"hostname", "host", "address", "addr", "server"} }

// Pairs finds the variables that hold the host of a Service. Of one without a port beside it, or with a port that the Service
// does not have, it returns what is wrong: a Service of this machine has a port of its own, which must be filled in as well.
func Pairs(names []string, values map[string]string, namespace string, services Services) (pairs []Pair, problems map[string]string) {
	problems = map[string]string{}
	for _, name := range names {
		prefix, ok := hostPrefix(name)
		if !ok {
			continue
		}
		service, _ := Parse(strings.TrimSpace(values[name]), namespace)
		ports, ok := services(service)
		if service.Name == "" || !ok || len(ports) == 0 {
			continue
		}
		port := portBeside(names, prefix)
		number, err := strconv.ParseUint(strings.TrimSpace(values[port]), 10, 16)
		switch {
		case port == "" || err != nil:
			problems[name] = fmt.Sprintf("it names the Service %s without its port, which is another one here; set %s%s beside it to %d, or use a single variable with %s:%d",
				service.Name, prefix, portName(name), ports[0], service.Name, ports[0])
		case !slices.Contains(ports, int32(number)):
			problems[port] = Match{Service: service, Port: int32(number)}.Problem(services, nil)
		default:
			pairs = append(pairs, Pair{name, port, service, int32(number)})
		}
	}
	return pairs, problems
}

// hostPrefix is what is before the end of a variable's name that says that it holds a host. The port beside HOST alone would
// be PORT, which is the container's own.
func hostPrefix(name string) (prefix string, ok bool) {
	for _, end := range hostNames() {
		if n := len(name) - len(end); n > 0 && strings.EqualFold(name[n:], end) {
			return name[:n], true
		}
	}
	return "", false
}

func portBeside(names []string, prefix string) string {
	for _, n := range names {
		if strings.EqualFold(n, prefix+"port") {
			return n
		}
	}
	return ""
}

// portName is "port" in the case of the end of another name.
func portName(like string) string {
	if strings.ToLower(like) == like {
		return "port"
	}
	return "PORT"
}

// plain is a variable's value that is nothing but an address with a name without dots.
var plain = lazyregexp.New(`^(?i)(?:[a-z][a-z0-9+.-]*://(?:[^\s/?#"'@,;]*@)?)?([a-z](?:[a-z0-9-]*[a-z0-9])?):([0-9]{1,5})(?:[/?#]\S*)?$`)

// addressNames end the names of variables that hold addresses.
var addressNames = lazyregexp.New(`(?i)(addr|address|host|url|uri|endpoint|endpoints|target|server|servers|dsn|broker|brokers|upstream)$`)

// Stray is an address in a variable that names no Service, although on a cluster nothing else could have the name.
func Stray(name, value, namespace string, services Services) (Match, bool) {
	m := plain().FindStringSubmatch(value)
	if m == nil || !addressNames().MatchString(name) || strings.EqualFold(m[1], "localhost") {
		return Match{}, false
	}
	service, _ := Parse(m[1], namespace)
	if _, ok := services(service); ok {
		return Match{}, false
	}
	port, err := strconv.ParseUint(m[2], 10, 16)
	return Match{Service: service, Port: int32(port)}, err == nil
}
