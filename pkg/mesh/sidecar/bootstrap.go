// Package sidecar runs the proxy of one pod: it takes its configuration from the control plane, reports over its lifeline where
// it listens, and drains when it is asked to stop.
//
// What it is made of are rooms of their own below this one. Here they meet.
package sidecar

import (
	"encoding/json"
	"fmt"
	"os"
)

// The variables of a sidecar's environment.
const (
	adsEnv   = "SHOPCTL_SIDECAR_ADS"
	tokenEnv = "SHOPCTL_SIDECAR_TOKEN_FILE"
	nodeEnv  = "SHOPCTL_SIDECAR_NODE"
	portsEnv = "SHOPCTL_SIDECAR_PORTS"
)

// Bootstrap is what a sidecar is started with. All else it learns from the control plane.
type Bootstrap struct {
	// ADS is where the control plane serves: the path of a Unix socket, or host:port.
	ADS string
	// TokenFile holds the token by which the control plane knows the sidecar. It is removed once it is read.
	TokenFile string
	Node      Node
	// Ports are the addresses at which an earlier run listened, by the name of the listener: programs know them.
	Ports map[string]string
	// Spans is where spans are sent, "http://127.0.0.1:4317", and Service the service.name in them; empty: nowhere. They are
	// in the variables of OpenTelemetry, as for all programs of a shop.
	Spans, Service string
}

// Node is the pod that a sidecar belongs to.
type Node struct {
	ID             string            `json:"id"`
	Namespace      string            `json:"namespace"`
	Pod            string            `json:"pod"`
	Workload       string            `json:"workload"`
	ServiceAccount string            `json:"serviceAccount"`
	Labels         map[string]string `json:"labels,omitempty"`
}

// Environ returns the variables that ReadBootstrap reads, "KEY=value".
func (b Bootstrap) Environ() ([]string, error) {
	node, err := json.Marshal(b.Node)
	if err != nil {
		return nil, fmt.Errorf("encode node: %w", err)
	}
	ports, err := json.Marshal(b.Ports)
	if err != nil {
		return nil, fmt.Errorf("encode ports: %w", err)
	}
	return []string{adsEnv + "=" + b.ADS, tokenEnv + "=" + b.TokenFile, nodeEnv + "=" + string(node), portsEnv + "=" + string(ports)}, nil
}

// ReadBootstrap reads what a sidecar is started with from its environment.
func ReadBootstrap(getenv func(string) string) (Bootstrap, error) {
	b := Bootstrap{ADS: getenv(adsEnv), TokenFile: getenv(tokenEnv), Spans: getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), Service: getenv("OTEL_SERVICE_NAME")}
	for _, name := range []string{adsEnv, tokenEnv, nodeEnv} {
		if getenv(name) == "" {
			return b, fmt.Errorf("%s is not set: sidecars are started by the daemon of a shop (shopctl mesh on)", name)
		}
	}
	if err := json.Unmarshal([]byte(getenv(nodeEnv)), &b.Node); err != nil {
		return b, fmt.Errorf("read %s: %w", nodeEnv, err)
	}
	if ports := getenv(portsEnv); ports != "" {
		if err := json.Unmarshal([]byte(ports), &b.Ports); err != nil {
			return b, fmt.Errorf("read %s: %w", portsEnv, err)
		}
	}
	return b, nil
}

// Token reads the token, and removes its file.
func (b Bootstrap) Token() (string, error) {
	token, err := os.ReadFile(b.TokenFile)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	if err := os.Remove(b.TokenFile); err != nil {
		return "", fmt.Errorf("remove token: %w", err)
	}
	return string(token), nil
}
