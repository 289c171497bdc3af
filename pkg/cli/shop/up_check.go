package shop

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/observe/otlp"
	"github.com/shopctl/shopctl/services"
)

// check validates the flags before anything starts.
func (o *upOptions) check(ctx context.Context) error {
	if !slices.Contains(o.parts.Drivers, o.daemon.Driver) {
		return cmdutil.UnknownNameErr("driver", o.daemon.Driver, o.parts.Drivers)
	}
	if o.daemon.Sidecars == "shared" && o.daemon.Driver != o.parts.Drivers[0] {
		return cmdutil.UsageErr(o.ios.Command("up --driver "+o.daemon.Driver), "--sidecars=shared is for processes: elsewhere a sidecar shares the network of its pod alone")
	}
	if o.daemon.Monolith && len(o.daemon.Only) > 0 {
		return cmdutil.UsageErr(o.ios.Command("up --monolith"), "--only cannot be combined with --monolith, which always starts as a whole")
	}
	for i, name := range o.daemon.Only {
		b, ok := services.Lookup(strings.TrimSpace(name))
		if !ok {
			return cmdutil.UnknownNameErr("service", name, cmdutil.BuiltinNames())
		}
		o.daemon.Only[i] = b.Name
	}
	if ns := o.namespace(); ns != "" && len(validation.IsDNS1123Label(ns)) > 0 {
		return cmdutil.UsageErr("--namespace production", "read --namespace %q: want lower case letters, digits and dashes", ns)
	}
	if err := o.checkForward(ctx); err != nil {
		return err
	}
	return o.checkRedis()
}

// checkRedis reads the address of a Redis. A password is not taken: everybody on this machine can see the words of a command.
func (o *upOptions) checkRedis() error {
	if o.daemon.Redis == "" {
		return nil
	}
	text := o.daemon.Redis
	if !strings.Contains(text, "://") {
		text = "redis://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "redis" && u.Scheme != "rediss" || u.RawQuery != "" || u.Fragment != "":
		return cmdutil.UsageErr("--redis redis://127.0.0.1:6379", "read --redis: it is not the URL of a Redis")
	case u.User != nil:
		return cmdutil.UsageErr(o.ios.Command("create secret generic cart-store --from-literal=password=..."),
			"read --redis: a password does not belong on a command line; the Secret cart-store has it, which is kept from one start to the next")
	case u.Scheme == "rediss":
		return cmdutil.UsageErr("--redis redis://127.0.0.1:6379", "read --redis: carts are not kept over TLS")
	case strings.Trim(u.Path, "/") != "" && strings.Trim(u.Path, "/") != "0":
		return cmdutil.UsageErr("--redis redis://"+u.Host, "read --redis: carts are kept in database 0 of a Redis, not in %q", strings.Trim(u.Path, "/"))
	}
	host, port := u.Hostname(), cmp.Or(u.Port(), "6379")
	if ip := net.ParseIP(host); o.daemon.Driver != o.parts.Drivers[0] && (host == "localhost" || ip != nil && ip.IsLoopback()) {
		return cmdutil.UsageErr("--redis redis://ADDRESS:"+port+", by an address of this machine that containers reach", "read --redis: with --driver %s, %s is each pod itself", o.daemon.Driver, host)
	}
	o.daemon.Redis = net.JoinHostPort(host, port)
	return nil
}

// lookupTimeout is how long up waits for the address of a host.
const lookupTimeout = 3 * time.Second

// checkForward refuses an endpoint that cannot be read, and a host that has no address. One that cannot be reached may
// still come up: the event SpanForwardFailed warns of it.
func (o *upOptions) checkForward(ctx context.Context) error {
	if o.daemon.Forward == "" {
		return nil
	}
	host, err := otlp.EndpointHost(o.daemon.Forward)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
		defer cancel()
		if _, err = net.DefaultResolver.LookupHost(ctx, host); err != nil {
			err = fmt.Errorf("%s has no address: %w", host, err)
		}
	}
	if err != nil {
		return cmdutil.UsageErr("--otlp-forward http://127.0.0.1:4318", "read --otlp-forward: %w", err)
	}
	return nil
}
