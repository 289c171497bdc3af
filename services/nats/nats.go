// Package nats is the workload nats, the bus of the shop's events: the NATS server with JetStream, within this binary. It has
// no port of its own: a relay serves the workload's, which refuses the other users of the machine.
//
// DATA_DIR holds the events; without it they are lost with the process. NATS_SYNC is when they are written through to the disk:
// "always" (the default), before they are acknowledged, so that they outlive the machine; or at an interval such as "10s", the
// last of which may be lost with the machine, never with the process.
package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/shopctl/shopctl/pkg/chassis"
)

const (
	// syncAlways is the value of NATS_SYNC for each event.
	syncAlways = "always"
	// maxStore bounds the events on the disk, maxMemory what streams may keep in memory, which those of the shop do not.
	maxStore, maxMemory = 240 << 20, 8 << 20
	// maxPayload and maxConnections bound a message, in bytes, and the clients.
	maxPayload, maxConnections = 1 << 20, 256
	// startTimeout is how long the server may take to be ready, once it has read its events.
	startTimeout = 30 * time.Second
)

// Setup serves the protocol of NATS on rt's port.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	opts, err := options(rt.Env("NATS_SYNC", syncAlways))
	if err != nil {
		return err
	}
	remove := func() error { return nil }
	if opts.StoreDir = rt.DataDir(); opts.StoreDir == "" {
		if opts.StoreDir, err = os.MkdirTemp("", "shopctl-nats-"); err != nil {
			return fmt.Errorf("make a directory for events: %w", err)
		}
		dir := opts.StoreDir
		remove = func() error { return os.RemoveAll(dir) }
	}
	s, err := start(opts, rt.Log())
	if err != nil {
		return errors.Join(err, remove())
	}
	rt.Log().Info("bus of events", "server", "nats "+server.VERSION, "dir", filepath.Clean(opts.StoreDir), "sync", rt.Env("NATS_SYNC", syncAlways))
	rt.ServeTCP(func(ctx context.Context, l net.Listener) error {
		(&relay{server: s}).serve(ctx, l)
		s.Shutdown()
		s.WaitForShutdown()
		return remove()
	})
	return nil
}

func options(sync string) (*server.Options, error) {
	opts := &server.Options{
		ServerName: "shop", DontListen: true, NoSigs: true, JetStream: true, DisableJetStreamBanner: true,
		JetStreamMaxStore: maxStore, JetStreamMaxMemory: maxMemory, MaxPayload: maxPayload, MaxConn: maxConnections,
	}
	if sync == syncAlways {
		opts.SyncAlways = true
		return opts, nil
	}
	interval, err := time.ParseDuration(sync)
	if err != nil || interval < time.Millisecond {
		return nil, fmt.Errorf("read NATS_SYNC=%q: want %q, or an interval such as 10s", sync, syncAlways)
	}
	opts.SyncInterval = interval
	return opts, nil
}

// start starts a server and waits until it has read its events.
func start(opts *server.Options, log *slog.Logger) (*server.Server, error) {
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("set up the bus: %w", err)
	}
	fatal := make(chan string, 1)
	s.SetLogger(logger{log, fatal}, false, false)
	s.Start() // which reads the events
	reason := "it is not ready"
	select {
	case reason = <-fatal:
	default:
		if s.ReadyForConnections(startTimeout) && s.JetStreamEnabled() {
			return s, nil
		}
	}
	s.Shutdown()
	s.WaitForShutdown()
	return nil, fmt.Errorf("start the bus over %s: %s; it must be a directory that this user can write: correct its permissions, or move it away", opts.StoreDir, reason)
}

// logger writes what the server reports.
type logger struct {
	log   *slog.Logger
	fatal chan<- string
}

func (l logger) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l logger) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l logger) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l logger) Debugf(string, ...any)           {}
func (l logger) Tracef(string, ...any)           {}

// Fatalf is called where the server cannot go on. Its program would exit.
func (l logger) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error(text)
	select {
	case l.fatal <- text:
	default:
	}
}
