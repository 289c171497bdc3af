// Package lifeline is the pair of pipes between the daemon and an instance that it started.
//
// The instance reads Down messages, one JSON object a line, from its end of one pipe and writes Up
// messages to the other. The daemon keeps the write end of the first pipe open for as long as it runs: when the
// instance reads EOF, its daemon is gone, however it died, and the instance exits. So a killed daemon leaves no orphans
// behind, on any system.
//
// An instance that runs elsewhere (in a container, on a cluster) has no lifeline and depends only on its environment.
package lifeline

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"
)

// Env is the environment variable with the two file descriptors of an instance, "READ,WRITE".
const Env = "SHOPCTL_LIFELINE"

// Down is one message from the daemon to an instance. A nil field changes nothing; a non-nil one replaces the whole
// setting.
type Down struct {
	// Endpoints maps each Service's stable address ("127.0.0.1:41000", the value of the instance's
	// *_SERVICE_ADDR variables) to the addresses of its ready instances. Clients dial these instead.
	Endpoints *map[string][]string `json:"endpoints,omitempty"`
	// Faults are the faults that the instance's own server injects into calls that it receives.
	Faults *[]Fault `json:"faults,omitempty"`
	// Wire are the faults on the connections that a sidecar makes to other sidecars.
	Wire *[]WireFault `json:"wire,omitempty"`
}

// Fault is injected into a share of the calls that an instance receives.
type Fault struct {
	ID string `json:"id"`
	// Module is the module that it is for, by its workload's name, where an instance holds several; empty: all.
	Module string `json:"module,omitempty"`
	// Method is a full method ("/hipstershop.PaymentService/Charge"), a bare name ("Charge"), a
	// path prefix for HTTP ("/cart"), or empty for every call. Health checks and reflection are never faulted.
	Method string `json:"method,omitempty"`
	// Percent of calls, 0 to 100.
	Percent float64 `json:"percent"`
	// Delay is added before the call is served, or fails.
	Delay time.Duration `json:"delay,omitempty"`
	// Code is a gRPC code name ("UNAVAILABLE"); empty: the call is not made to fail.
	// Over HTTP it becomes the status of the gRPC to HTTP mapping.
	Code string `json:"code,omitempty"`
	// Director is the path of the unix socket of a director, which decides about each call instead.
	Director string `json:"director,omitempty"`
}

// WireFault is a fault on the connections to a Service.
type WireFault struct {
	// Host is the Service's full name: "paymentservice.production.svc.cluster.local".
	Host string `json:"host"`
	// Drop is the percentage of packets that are lost, 0 to 100; at 100 nothing passes.
	Drop float64 `json:"drop,omitempty"`
	// BytesPerSecond pass in each direction; 0: as many as come.
	BytesPerSecond int64 `json:"bytesPerSecond,omitempty"`
}

// Up is one message from an instance to the daemon.
type Up struct {
	// Listening is sent once, when the instance listens.
	Listening *Listening `json:"listening,omitempty"`
	// Listeners are all listeners of a sidecar, by name; sent whenever they change, and before Listening.
	Listeners *map[string]string `json:"listeners,omitempty"`
	// Proxy is the state of a sidecar; sent whenever it changes.
	Proxy *Proxy `json:"proxy,omitempty"`
	// Fatal is why the instance cannot start or continue, in one line.
	Fatal string `json:"fatal,omitempty"`
}

// Proxy is the state of a sidecar that only itself knows. The zero value is that of one without a certificate.
type Proxy struct {
	Certificate Certificate `json:"certificate"`
	// Ejected are the endpoints that it does not call since they failed, by cluster and address.
	Ejected []Ejection `json:"ejected"`
}

// Equal reports whether two states are the same.
func (p Proxy) Equal(o Proxy) bool {
	return p.Certificate.equal(o.Certificate) && slices.EqualFunc(p.Ejected, o.Ejected, Ejection.equal)
}

// Certificate is what a sidecar shows its peers, without its key.
type Certificate struct {
	// Serial is its number in hexadecimal digits; empty: there is none.
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
}

func (c Certificate) equal(o Certificate) bool {
	return c.Serial == o.Serial && c.NotBefore.Equal(o.NotBefore) && c.NotAfter.Equal(o.NotAfter)
}

// Ejection is an endpoint that a sidecar leaves out of a cluster.
type Ejection struct {
	// Cluster is "outbound|50051|v1|paymentservice.production.svc.cluster.local", Address "127.0.0.1:41000".
	Cluster string `json:"cluster"`
	Address string `json:"address"`
	// Reason is "consecutive 5xx errors" or another of package cluster's.
	Reason string `json:"reason"`
	// Since is when it was ejected; it comes back at the first check after Until.
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

func (a Ejection) equal(b Ejection) bool {
	return a.Cluster == b.Cluster && a.Address == b.Address && a.Reason == b.Reason && a.Since.Equal(b.Since) && a.Until.Equal(b.Until)
}

// Listening is the addresses of an instance.
type Listening struct {
	// Addr serves the workload's own protocol: "127.0.0.1:41001".
	Addr string `json:"addr"`
	// Admin serves Prometheus metrics at /metrics.
	Admin string `json:"admin,omitempty"`
}

// Open opens the two pipes in the value of Env. It returns nil files for an empty value: the process was not started by
// a daemon.
func Open(value string) (down, up *os.File, err error) {
	if value == "" {
		return nil, nil, nil
	}
	var fds [2]int
	if _, err := fmt.Sscanf(value, "%d,%d", &fds[0], &fds[1]); err != nil {
		return nil, nil, fmt.Errorf("read %s=%q: want two file descriptors such as 0,3", Env, value)
	}
	for _, fd := range fds {
		// Non-blocking, or closing the file would not end a read; and not for children, or they would
		// keep the pipe alive.
		if err := syscall.SetNonblock(fd, true); err != nil {
			return nil, nil, fmt.Errorf("open lifeline: descriptor %d: %w", fd, err)
		}
		syscall.CloseOnExec(fd)
	}
	return os.NewFile(uintptr(fds[0]), "lifeline-down"), os.NewFile(uintptr(fds[1]), "lifeline-up"), nil
}

// Write writes one message as a line.
func Write[T Down | Up](w io.Writer, m T) error {
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode lifeline message: %w", err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// Read calls handle for each message until the pipe ends, and returns nil at EOF. A line that is not a message is
// skipped: it says nothing about whether the other side lives.
func Read[T Down | Up](r io.Reader, handle func(T)) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 1 {
			var m T
			if json.Unmarshal(line, &m) == nil {
				handle(m)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read lifeline: %w", err)
		}
	}
}
