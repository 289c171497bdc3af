package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/chassis/portowner"
	"github.com/shopctl/shopctl/pkg/connlimit"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/observe/promapi"
)

// DefaultPrometheus is where people look for Prometheus.
const DefaultPrometheus = "127.0.0.1:9090"

// promServer serves Prometheus' HTTP API.
type promServer struct {
	http *http.Server
	done chan struct{}
}

// listenPrometheus opens the address of Prometheus' HTTP API. One that was asked for must be free; of the usual one that is
// taken, there is another.
func (s *shop) listenPrometheus() (net.Listener, error) {
	if s.cfg.Prometheus == "" {
		l, err := net.Listen("tcp", DefaultPrometheus)
		if err != nil {
			l, err = net.Listen("tcp", "127.0.0.1:0")
		}
		return l, err
	}
	l, err := net.Listen("tcp", s.cfg.Prometheus)
	if err != nil {
		_, port, _ := net.SplitHostPort(s.cfg.Prometheus)
		if number, bad := strconv.Atoi(port); bad == nil {
			if owner, ok := portowner.Find(number); ok {
				err = fmt.Errorf("%w: by %s", err, owner)
			}
		}
		return nil, control.Error(codes.FailedPrecondition, fmt.Sprintf("serve Prometheus' API: %v", err), "end that process, or choose another port: --prometheus-port 9091", 5)
	}
	return l, nil
}

// servePrometheus starts to serve Prometheus' HTTP API on l.
func (s *shop) servePrometheus(l net.Listener) *promServer {
	s.meters.url = "http://" + l.Addr().String()
	p := &promServer{done: make(chan struct{}), http: &http.Server{
		Handler: promapi.New(promapi.Config{
			Query: s.meters.query, DB: s.meters.db, Rules: s.meters.rules, Targets: s.stats.Targets,
			Own: s.meters.registry, Now: s.now, Version: s.cfg.Version,
		}),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
	}}
	go func() {
		defer close(p.done)
		if err := p.http.Serve(connlimit.Listen(l, connlimit.Share(1))); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("serve Prometheus' API", "error", err)
		}
	}()
	return p
}

func (p *promServer) close() {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if p.http.Shutdown(ctx) != nil {
		_ = p.http.Close()
	}
	<-p.done
}
