package scrape

import (
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// The metric families that requests are counted by.
const (
	grpcHandled = "grpc_server_handled_total"
	grpcBucket  = "grpc_server_handling_seconds_bucket"
	httpTotal   = "http_requests_total"
	httpBucket  = "http_request_duration_seconds_bucket"
)

// countsRequests reports whether a series counts requests. Health checks, reflection and scrapes are not requests.
func countsRequests(ls labels.Labels) bool {
	name := ls.Get(model.MetricNameLabel)
	return (name == grpcHandled || name == httpTotal) && isRequest(ls)
}

func isRequest(ls labels.Labels) bool {
	if service := ls.Get("grpc_service"); strings.HasPrefix(service, "grpc.health.") || strings.HasPrefix(service, "grpc.reflection.") {
		return false
	}
	route := ls.Get("route")
	return !strings.HasSuffix(route, "healthz") && !strings.HasSuffix(route, "/metrics") && !strings.HasPrefix(route, "/-/")
}

// lasts reports whether a series holds the durations of streams, which are not latencies.
func lasts(ls labels.Labels) bool {
	return ls.Get(model.MetricNameLabel) == grpcBucket && ls.Get("grpc_type") == "server_stream"
}

// failed reports whether a counter counts server errors.
func failed(ls labels.Labels) bool {
	if ls.Get(model.MetricNameLabel) == httpTotal {
		return strings.HasPrefix(ls.Get("code"), "5")
	}
	// As go-grpc-middleware names the codes.
	switch ls.Get("grpc_code") {
	case "Unknown", "DeadlineExceeded", "Unimplemented", "Internal", "Unavailable", "DataLoss":
		return true
	}
	return false
}
