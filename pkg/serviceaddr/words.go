package serviceaddr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
)

// word is a host that is alone in a command: after a space, a quote or the = of a flag.
var word = lazyregexp.New(`(?i)(?:^|[\s=("';|&])([a-z](?:[a-z0-9.-]*[a-z0-9])?\.?)(?:$|[\s)"';|&])`)

// hostFlag ends with a flag of a host: "--host", "--redis-host=", "-h ".
var hostFlag = lazyregexp.New(`(?i)(?:^|\s)(?:-h|--?(?:[a-z0-9._-]*[._-])?(?:hostname|host|address|addr|server))(?:=|\s+)["']?$`)

// portAfter begins with the port of a host: "6379", "-p 6379", "--redis-port=6379".
var portAfter = lazyregexp.New(`(?i)^["']?\s+(?:(?:-p|--?(?:[a-z0-9._-]*[._-])?port)(?:=|\s+))?["']?([0-9]{1,5})(?:$|[^0-9a-z.:])`)

// Apart describes each Service whose name stands in a command apart from its port: "nc redis-cart 6379" or "--host redis-cart
// --port 6379". It is not replaced, since either word could mean something else. words are the elements of a command.
func Apart(words []string, namespace string, services Services) (problems []string) {
	text := strings.Join(words, "\n")
	for at := 0; at < len(text); {
		m := word().FindStringSubmatchIndex(text[at:])
		if m == nil {
			break
		}
		start, end := at+m[2], at+m[3]
		at = end
		service, _ := Parse(text[start:end], namespace)
		ports, ok := services(service)
		if !ok || len(ports) == 0 {
			continue
		}
		port := ports[0]
		if after := portAfter().FindStringSubmatch(text[end:]); after != nil && slices.Contains(ports, number(after)) {
			port = number(after)
		} else if !hostFlag().MatchString(text[:start]) {
			continue
		}
		if p := apart(text[start:end], service, port); !slices.Contains(problems, p) {
			problems = append(problems, p)
		}
	}
	return problems
}

// fileHost is a key of a host in a file, with a value that is a host alone: `host: redis-cart`, `redis.host=redis-cart`,
// `"redisHost": "redis-cart",`.
var fileHost = lazyregexp.New(`(?im)(?:^|[\s{,])["']?[a-z0-9._-]*(?:hostname|host|address|addr|server)["']?[ \t]*[:=][ \t]*["']?([a-z](?:[a-z0-9.-]*[a-z0-9])?\.?)["']?[ \t]*(?:$|[,}\r#;]|[ \t]#)`)

// ApartInFile describes each Service whose name stands in a file as a host without its port, as Apart does for a command.
func ApartInFile(text, namespace string, services Services) (problems []string) {
	for _, m := range fileHost().FindAllStringSubmatch(text, -1) {
		service, _ := Parse(m[1], namespace)
		ports, ok := services(service)
		if !ok || len(ports) == 0 {
			continue
		}
		p := fmt.Sprintf("the Service %s has another address here, and a name apart from its port is not replaced; write %s:%d as one value", service.Name, m[1], ports[0])
		if !slices.Contains(problems, p) {
			problems = append(problems, p)
		}
	}
	return problems
}

// number is the port that an expression found; 0 if it is none.
func number(match []string) int32 {
	n, err := strconv.ParseUint(match[1], 10, 16)
	if err != nil {
		return 0
	}
	return int32(n)
}

// apart says what to write instead, which works on a cluster as well.
func apart(host string, service Service, port int32) string {
	name := strings.ToUpper(strings.ReplaceAll(service.Name, "-", "_"))
	return fmt.Sprintf("the Service %s has another address here, and a name apart from its port is not replaced; write %s:%d as one word, "+
		"or set the variables %s_HOST to %s and %s_PORT to %d and write $(%s_HOST) and $(%s_PORT)",
		service.Name, host, port, name, host, name, port, name, name)
}
