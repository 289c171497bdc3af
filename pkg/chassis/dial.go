package chassis

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
)

// DialOption changes a connection that Dial makes.
type DialOption func(*dialConfig)

type dialConfig struct {
	timeout time.Duration
	retry   []string
}

// WithTimeout bounds each call whose context has no deadline; the default is 5 s. A deadline of the context is passed
// on unchanged.
func WithTimeout(d time.Duration) DialOption { return func(c *dialConfig) { c.timeout = d } }

// WithRetry retries calls of these full methods ("/hipstershop.CartService/GetCart") on UNAVAILABLE, up to three
// attempts in all. It is for methods that are safe to repeat.
func WithRetry(methods ...string) DialOption {
	return func(c *dialConfig) { c.retry = append(c.retry, methods...) }
}

// Dial returns a connection to the service whose address the environment variable holds
// ("CART_SERVICE_ADDR=cartservice:7070"). It does not wait for the service: calls fail fast with UNAVAILABLE while no
// instance is ready. The chassis closes the connection.
//
// The address "inproc://cart" is the module of that name in the same process: see RunModules.
func (rt *Runtime) Dial(envVar string, options ...DialOption) (grpc.ClientConnInterface, error) {
	c := dialConfig{timeout: defaultCallTimeout}
	for _, o := range options {
		o(&c)
	}
	bounds, err := rt.bounds(c.timeout)
	if err != nil {
		return nil, err
	}
	if module, ok := strings.CutPrefix(rt.o.Getenv(envVar), inprocScheme); ok {
		return rt.dialModule(envVar, module, c, bounds)
	}
	addr, err := rt.address(envVar)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(endpointScheme+":///"+addr,
		grpc.WithResolvers(endpointResolver{rt.endpoints}),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(serviceConfig(c.retry)),
		grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 5 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: 500 * time.Millisecond},
			MinConnectTimeout: time.Second,
		}),
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connWindow),
		grpc.WithUnaryInterceptor(bounds.unary),
		grpc.WithStatsHandler(rt.clientSpans(serverAddress(addr)...)),
	)
	if err != nil {
		return nil, fmt.Errorf("dial %s=%q: %w", envVar, addr, err)
	}
	rt.connsMu.Lock()
	rt.conns = append(rt.conns, conn)
	rt.connsMu.Unlock()
	return conn, nil
}

// closeConns closes the connections of Dial, also those of a service that could not start.
func (rt *Runtime) closeConns() {
	rt.connsMu.Lock()
	defer rt.connsMu.Unlock()
	for _, c := range rt.conns {
		_ = c.Close()
	}
	rt.conns = nil
}

// Attempts, pauses and budget of calls that are retried.
const (
	retryAttempts   = 3
	retryFirstPause = 10 * time.Millisecond
	retryMaxPause   = 100 * time.Millisecond
	retryTokens     = 100
	retryTokenRatio = 0.1
)

// serviceConfig spreads calls over all ready endpoints and retries the methods given, within a budget: gRFC A6.
func serviceConfig(retry []string) string {
	type object = map[string]any
	config := object{"loadBalancingConfig": []object{{"round_robin": object{}}}}
	if len(retry) > 0 {
		var names []object
		for _, m := range retry {
			service, method, _ := strings.Cut(strings.TrimPrefix(m, "/"), "/")
			names = append(names, object{"service": service, "method": method})
		}
		config["methodConfig"] = []object{{"name": names, "retryPolicy": object{
			"maxAttempts": retryAttempts, "initialBackoff": inSeconds(retryFirstPause), "maxBackoff": inSeconds(retryMaxPause),
			"backoffMultiplier": 2, "retryableStatusCodes": []string{"UNAVAILABLE"},
		}}}
		config["retryThrottling"] = object{"maxTokens": retryTokens, "tokenRatio": retryTokenRatio}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return "{}"
	}
	return string(text)
}

// inSeconds is a duration as protocol buffers write it in JSON.
func inSeconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}

// address is the host:port in the variable.
func (rt *Runtime) address(envVar string) (string, error) {
	addr := rt.o.Getenv(envVar)
	if addr == "" {
		return "", fmt.Errorf("%s is not set: %s needs the address of that service, such as %s=127.0.0.1:7070", envVar, rt.o.Workload, envVar)
	}
	addr = withoutResolver(addr)
	if u, err := url.Parse(addr); err == nil && u.Scheme != "" && u.Host != "" {
		addr = u.Host
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return "", fmt.Errorf("read %s=%q: want host:port", envVar, addr)
	}
	return addr, nil
}

// withoutResolver is an address without the resolver that gRPC clients take in front of it: "dns:///cart:7070",
// "passthrough:cart:7070", "dns://8.8.8.8/cart:7070".
func withoutResolver(addr string) string {
	for _, scheme := range []string{"dns:", "passthrough:"} {
		rest, ok := strings.CutPrefix(addr, scheme)
		if !ok {
			continue
		}
		if authority, ok := strings.CutPrefix(rest, "//"); ok {
			_, rest, _ = strings.Cut(authority, "/")
		}
		return strings.TrimPrefix(rest, "/")
	}
	return addr
}

// HTTPAddr returns the base URL ("http://host:port") of the HTTP service whose address the variable holds.
func (rt *Runtime) HTTPAddr(envVar string) (string, error) {
	addr, err := rt.address(envVar)
	if err != nil {
		return "", err
	}
	return "http://" + addr, nil
}

// HTTPClient calls HTTP services: traced, bounded to 5 s, spread over the ready endpoints of a service.
func (rt *Runtime) HTTPClient() *http.Client {
	dialer := &net.Dialer{Timeout: time.Second}
	transport := &http.Transport{
		MaxIdleConns:        math.MaxInt16,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     30 * time.Second,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, rt.endpoints.pick(addr))
		},
	}
	rt.OnDrain(func(context.Context) error { transport.CloseIdleConnections(); return nil })
	return &http.Client{
		Timeout:   defaultCallTimeout,
		Transport: otelhttp.NewTransport(transport, otelhttp.WithTracerProvider(rt.provider), otelhttp.WithPropagators(rt.propagate)),
	}
}
