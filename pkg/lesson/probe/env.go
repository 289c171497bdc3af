package probe

import (
	"context"
	"errors"
	"fmt"
	"io"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// service finds a service by either of its names; nil if the shop has none such.
func (env Env) service(ctx context.Context, name string) (*controlpb.Service, error) {
	st, err := env.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, fmt.Errorf("read the shop's state: %w", err)
	}
	for _, s := range st.GetServices() {
		if s.GetName() == name || s.GetWorkload() == name {
			return s, nil
		}
	}
	return nil, nil
}

// aliases maps the workload of each service to its short name.
type aliases map[string]string

// names reads the names of the shop's services; without a response, each name is its own.
func (env Env) names(ctx context.Context) aliases {
	st, err := env.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil
	}
	a := aliases{}
	for _, s := range st.GetServices() {
		a[s.GetWorkload()] = s.GetName()
	}
	return a
}

func (a aliases) short(name string) string {
	if short, ok := a[name]; ok {
		return short
	}
	return name
}

// long is the workload of a service.
func (a aliases) long(name string) string {
	for workload, short := range a {
		if short == name {
			return workload
		}
	}
	return name
}

func (a aliases) same(x, y string) bool { return a.short(x) == a.short(y) }

// notRunning reports whether a service has no ready instance, so that its response is not known.
func (env Env) notRunning(ctx context.Context, service string) bool {
	s, err := env.service(ctx, service)
	return err == nil && s != nil && s.GetReady() == 0
}

// lines reads the lines of a log that a request asks for.
func (env Env) lines(ctx context.Context, req *controlpb.LogsRequest, each func(*controlpb.LogLine)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := env.Shop.Logs(ctx, req)
	if err != nil {
		return err
	}
	for {
		line, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the log of %s: %w", req.GetService(), err)
		}
		each(line)
	}
}
