package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/shopctl/shopctl/pkg/connlimit"
	"github.com/shopctl/shopctl/pkg/observe/promapi"
)

// DefaultPrometheus is where people look for Prometheus.
const DefaultPrometheus = "127.0.0.1:9090"

// promServer serves Prometheus' HTTP API.
type promServer struct {
	http *http.Server
	done chan struct{}
}

// servePrometheus starts to serve Prometheus' HTTP API. An address that was asked for must be free; of the
// usual one that is taken, there is another.
func (s *shop) servePrometheus() (*promServer, error) {
	addr := s.cfg.Prometheus
	if addr == "" {
		addr = DefaultPrometheus
	}
	l, err := net.Listen("tcp", addr)
	if err != nil && s.cfg.Prometheus == "" {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listen for Prometheus' API: %w", err)
	}
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
	return p, nil
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
