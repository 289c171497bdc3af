package observe

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// The metric families that requests are counted by.
const (
	grpcHandled  = "grpc_server_handled_total"
	grpcSeconds  = "grpc_server_handling_seconds"
	httpTotal    = "http_requests_total"
	httpSeconds  = "http_request_duration_seconds"
	bucketSuffix = "_bucket"
)

// counters are the running totals of one instance.
type counters struct {
	requests, errors float64
	// buckets are the cumulative counts of the latency histogram by upper bound in seconds, as written.
	buckets map[string]float64
}

// parseMetrics reads Prometheus' text format as far as requests are counted in it. It knows just
// enough of the format: one sample a line, labels in quotes. Health checks and reflection are no requests.
func parseMetrics(r io.Reader) (counters, error) {
	c := counters{buckets: map[string]float64{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 16<<10), 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if !strings.HasPrefix(line, "grpc_server_handl") && !strings.HasPrefix(line, "http_request") {
			continue
		}
		name, labels, value, ok := parseSample(line)
		if !ok {
			continue
		}
		switch name {
		case grpcHandled:
			if !ignoredService(labels["grpc_service"]) {
				c.requests += value
				if serverError(labels["grpc_code"]) {
					c.errors += value
				}
			}
		case httpTotal:
			if !ignoredRoute(labels["route"]) {
				c.requests += value
				if strings.HasPrefix(labels["code"], "5") {
					c.errors += value
				}
			}
		case grpcSeconds + bucketSuffix:
			if !ignoredService(labels["grpc_service"]) {
				c.buckets[labels["le"]] += value
			}
		case httpSeconds + bucketSuffix:
			if !ignoredRoute(labels["route"]) {
				c.buckets[labels["le"]] += value
			}
		}
	}
	return c, lines.Err()
}

// serverError tells of the codes that are the server's fault, as go-grpc-middleware names them.
func serverError(code string) bool {
	switch code {
	case "Unknown", "DeadlineExceeded", "Unimplemented", "Internal", "Unavailable", "DataLoss":
		return true
	}
	return false
}

func ignoredService(name string) bool {
	return strings.HasPrefix(name, "grpc.health.") || strings.HasPrefix(name, "grpc.reflection.")
}

func ignoredRoute(route string) bool {
	return strings.HasSuffix(route, "healthz") || strings.HasSuffix(route, "/metrics")
}

// parseSample splits `name{a="b",c="d"} 1 [timestamp]`.
func parseSample(line string) (name string, labels map[string]string, value float64, ok bool) {
	open := strings.IndexByte(line, '{')
	if open < 0 {
		return "", nil, 0, false
	}
	name, rest := line[:open], line[open+1:]
	labels = make(map[string]string, 6)
	for len(rest) > 0 && rest[0] != '}' {
		eq := strings.Index(rest, `="`)
		if eq < 0 {
			return "", nil, 0, false
		}
		key := strings.TrimLeft(rest[:eq], ", ")
		rest = rest[eq+2:]
		end := 0
		for end < len(rest) && rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(rest) {
			return "", nil, 0, false
		}
		labels[key] = rest[:end]
		rest = rest[end+1:]
	}
	fields := strings.Fields(strings.TrimPrefix(rest, "}"))
	if len(fields) == 0 {
		return "", nil, 0, false
	}
	value, err := strconv.ParseFloat(fields[0], 64)
	return name, labels, value, err == nil
}
