// Package serviceaddr finds the addresses of Services in text: in variables, arguments and files of containers. A cluster
// has DNS for the names of Services; on one machine, each is replaced by an address of this machine.
//
// It is conservative: it replaces a name only where the name of a Service stands with one of its ports, in a place where
// an address can stand: alone, in a list, in a URL, after = or in quotes. A word that merely looks alike stays.
package serviceaddr

import (
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
)

// Service is the name of a Service.
type Service struct{ Namespace, Name string }

// Services returns the ports of a Service; false if there is none with that name.
type Services func(Service) (ports []int32, ok bool)

// Match is one address in a text: what to replace of it, and the port of a Service that it is.
type Match struct {
	Start, End int
	Service    Service
	Port       int32
	// Known: the Service exists and has the port. Otherwise the address is one that leads nowhere.
	Known bool
}

// Kind is what kind of text is searched.
type Kind int

// The kinds of text. In a command and a file, an address may stand between words; in the value of a variable, text of
// several words is a sentence unless all of them are addresses.
const (
	Variable Kind = iota
	Command
)

// candidate is a host with a port; bare is a URL whose host has no port.
var (
	candidate = lazyregexp.New(`(?i)([a-z](?:[a-z0-9.-]*[a-z0-9])?)\.?:([0-9]{1,5})`)
	bare      = lazyregexp.New(`(?i)([a-z][a-z0-9+.-]*)://(?:[^\s/?#"'@,;]*@)?([a-z](?:[a-z0-9.-]*[a-z0-9])?)\.?`)
)

// defaultPort is the port of a URL that names none; 0 for other schemes.
func defaultPort(scheme string) int32 {
	switch strings.ToLower(scheme) {
	case "http", "ws":
		return 80
	case "https", "wss", "dns", "passthrough":
		return 443
	case "redis", "rediss", "valkey":
		return 6379
	case "postgres", "postgresql":
		return 5432
	case "mysql":
		return 3306
	case "amqp":
		return 5672
	case "nats":
		return 4222
	case "mongodb":
		return 27017
	}
	return 0
}

// Find returns the addresses of Services in a text of a pod in a namespace, in their order. It also returns addresses of
// Services that do not have the port, and of names in a cluster's domain that no Service has.
func Find(text, namespace string, kind Kind, services Services) []Match {
	if !strings.Contains(text, ":") {
		return nil
	}
	var found []Match
	for _, m := range candidate().FindAllStringSubmatchIndex(text, -1) {
		if !opens(text, m[0], kind) || !closes(text, m[1], kind) {
			continue
		}
		port, err := strconv.ParseUint(text[m[4]:m[5]], 10, 16)
		if err != nil {
			continue
		}
		found = add(found, m[0], m[1], text[m[2]:m[3]], namespace, int32(port), services)
	}
	for _, m := range bare().FindAllStringSubmatchIndex(text, -1) {
		port := defaultPort(text[m[2]:m[3]])
		if port == 0 || m[1] < len(text) && !strings.ContainsRune("/?#,;\"'`)]}>|& \t\r\n\\", rune(text[m[1]])) {
			continue
		}
		found = add(found, m[4], m[1], text[m[4]:m[5]], namespace, port, services)
	}
	return found
}

// add adds a match in the order of the text, unless no Service is meant.
func add(found []Match, start, end int, host, namespace string, port int32, services Services) []Match {
	service, sure := Parse(host, namespace)
	if service.Name == "" {
		return found
	}
	match := Match{Start: start, End: end, Service: service, Port: port}
	ports, ok := services(service)
	if !ok && !sure {
		return found
	}
	for _, p := range ports {
		match.Known = match.Known || p == port
	}
	at := len(found)
	for at > 0 && found[at-1].Start > start {
		at--
	}
	return append(found[:at], append([]Match{match}, found[at:]...)...)
}

// Parse reads a host as the name of a Service, as a pod in a namespace resolves it: NAME, NAME.NAMESPACE, NAME.NAMESPACE.svc
// or NAME.NAMESPACE.svc.cluster.local, in any case. sure reports whether it can be nothing else.
func Parse(host, namespace string) (s Service, sure bool) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	inside := strings.TrimSuffix(host, ".cluster.local")
	labels := strings.Split(inside, ".")
	switch {
	case len(labels) == 3 && labels[2] == "svc":
		return Service{labels[1], labels[0]}, true
	case inside != host:
		return Service{}, false
	case len(labels) == 2:
		return Service{labels[1], labels[0]}, false
	case len(labels) == 1:
		return Service{namespace, labels[0]}, false
	}
	return Service{}, false
}

// opens reports whether an address can begin at a place in a text.
func opens(text string, at int, kind Kind) bool {
	before := text[:at]
	if before == "" {
		return true
	}
	switch c := before[len(before)-1]; c {
	case '/':
		return strings.HasSuffix(before, "//") || authority().MatchString(before)
	case ':':
		return resolver().MatchString(before)
	case '=', ',', ';', '"', '\'', '`', '@', '(', '[', '{', '<', '>', '|', '&', '?':
		return true
	case ' ', '\t', '\n', '\r':
		return kind == Command || listed(before) || addresses(text)
	}
	return false
}

// Addresses of gRPC name a resolver: "dns:cart:7070", "dns://8.8.8.8/cart:7070".
var (
	authority = lazyregexp.New(`(?i)(^|[^a-z0-9+.-])(dns|passthrough):(//[^/\s]*)?/$`)
	resolver  = lazyregexp.New(`(?i)(^|[^a-z0-9+.-])(dns|passthrough):$`)
)

// closes reports whether an address can end at a place in a text.
func closes(text string, at int, kind Kind) bool {
	after := text[at:]
	if after == "" {
		return true
	}
	switch c := after[0]; c {
	case '/', '?', '#', ',', ';', '"', '\'', '`', ')', ']', '}', '<', '>', '|', '&', '\\':
		return true
	case '.':
		return len(after) == 1 || after[1] == ' ' || after[1] == '\n'
	case ' ', '\t', '\n', '\r':
		return kind == Command || ends(text[:at], strings.TrimSpace(after)) || addresses(text)
	}
	return false
}

// ends reports whether the word at the end of a text, which more follows after a space, is more than a word of a sentence:
// the value of something, part of a URL, or an element of a list.
func ends(text, next string) bool {
	from := strings.LastIndexAny(text, " \t\r\n") + 1
	before := strings.TrimSpace(text[:from])
	return strings.ContainsAny(text[from:], "=/\"'") || next == "" || strings.ContainsAny(next[:1], ",;") || before != "" && listed(before)
}

// listed reports whether a text ends with the separator of a list and spaces, or has nothing but spaces.
func listed(before string) bool {
	before = strings.TrimSpace(before)
	return before == "" || strings.ContainsAny(before[len(before)-1:], ",;")
}

// addresses reports whether all words of a text have the form of addresses.
func addresses(text string) bool {
	for _, word := range strings.Fields(text) {
		if m := candidate().FindStringIndex(word); m == nil || m[1] != len(strings.TrimRight(word, ",;")) {
			return false
		}
	}
	return true
}
