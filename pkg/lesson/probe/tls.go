package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http2"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/shellword"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// TLS compares who the sidecars of a service prove to be, and whom they accept. It connects to their inbound ports.
type TLS struct {
	At      strictyaml.Position
	Service string `yaml:"service" lesson:"required"`
	// Mode is that of PeerAuthentication which is in force: STRICT, PERMISSIVE or DISABLE.
	Mode string `yaml:"mode"`
	// Plaintext is what a connection without TLS meets that is really made: refused or accepted.
	Plaintext string `yaml:"plaintext"`
	// Identity is the SPIFFE id in the certificate that the service shows; with Caller, the one by which the service knew that caller
	// since the step began, or in the last 30 seconds.
	Identity string `yaml:"identity"`
	Caller   string `yaml:"caller"`
}

func modes() []string      { return []string{"STRICT", "PERMISSIVE", "DISABLE"} }
func plaintexts() []string { return []string{"refused", "accepted"} }

// Validate implements Probe.
func (t *TLS) Validate(report Report) {
	if t.Service == "" {
		report(t.At, "a tls check names a service")
	}
	if t.Mode == "" && t.Plaintext == "" && t.Identity == "" {
		report(t.At, "a tls check has mode, plaintext or identity")
	}
	if t.Mode != "" && !slices.Contains(modes(), t.Mode) {
		report(t.At, "unknown mode %q%s", t.Mode, strictyaml.DidYouMean(t.Mode, modes()))
	}
	if t.Plaintext != "" && !slices.Contains(plaintexts(), t.Plaintext) {
		report(t.At, "plaintext is refused or accepted, got %q%s", t.Plaintext, strictyaml.DidYouMean(t.Plaintext, plaintexts()))
	}
	if t.Identity != "" && !strings.HasPrefix(t.Identity, "spiffe://") {
		report(t.At, "an identity is spiffe://DOMAIN/ns/NAMESPACE/sa/SERVICEACCOUNT, got %q", t.Identity)
	}
	if t.Caller != "" && (t.Identity == "" || t.Mode != "" || t.Plaintext != "") {
		report(t.At, "caller needs identity, and cannot be combined with mode or plaintext")
	}
}

// ProbeKind implements Probe.
func (*TLS) ProbeKind() string { return "tls" }

// NamedServices implements Probe.
func (t *TLS) NamedServices() []Named { return []Named{{t.Service, t.At}, {t.Caller, t.At}} }

// callerWindow is how far back a caller's identity is looked for at most.
const callerWindow = 30 * time.Second

// Lookback implements Probe.
func (t *TLS) Lookback() time.Duration {
	if t.Caller != "" {
		return callerWindow
	}
	return 0
}

// Triggers implements Probe. A connection is tried every second.
func (t *TLS) Triggers() Event {
	if t.Caller != "" {
		return MetricsScraped
	}
	return 0
}

// Command implements Probe.
func (t *TLS) Command() string {
	if t.Caller == "" && t.Identity == "" {
		return shellword.Join("shopctl", "mesh", "listeners", t.Service)
	}
	return shellword.Join("shopctl", "mesh", "secrets", cmp.Or(t.Caller, t.Service))
}

// Evidence implements Probe.
func (t *TLS) Evidence() Evidence {
	if t.Caller != "" {
		return Evidence{Kind: EdgeEvidence, Caller: t.Caller, Callee: t.Service}
	}
	return Evidence{Kind: InstanceEvidence, Service: t.Service}
}

// Ask implements Probe. All sidecars of the service must be as expected.
func (t *TLS) Ask(ctx context.Context, env Env, base Baseline) Result {
	if t.Caller != "" {
		return t.askCaller(ctx, env, base)
	}
	list, err := env.sidecars(ctx, t.Service)
	if err != nil {
		return Result{Verdict: Inconclusive, Expected: t.Service, Observed: err.Error()}
	}
	if len(list) == 0 {
		return Result{Verdict: Inconclusive, Expected: t.Service + " has a sidecar", Observed: t.Service + " has no sidecar: shopctl mesh on"}
	}
	var r Result
	for _, c := range list {
		held, err := env.Shop.GetSidecar(ctx, &controlpb.GetSidecarRequest{Service: c.GetInstance()})
		if err != nil {
			return Result{Verdict: Inconclusive, Expected: t.Service, Observed: err.Error()}
		}
		n := &notes{ok: true}
		if why := t.compare(ctx, n, inboundOf(held)); why != "" {
			return Result{Verdict: Inconclusive, Expected: t.Service, Observed: why}
		}
		if r = n.result(t.Service); r.Verdict != Pass {
			return r
		}
	}
	return r
}

// inbound is the port of a sidecar at which a program is called.
type inbound struct{ address, mode string }

// inboundOf is the first inbound port of a sidecar; the zero value if it listens at none.
func inboundOf(held *controlpb.GetSidecarResponse) (in inbound) {
	secure, plain := false, false
	for _, l := range held.GetListeners() {
		if l.GetDirection() != "inbound" || in.address != "" && l.GetAddress() != in.address {
			continue
		}
		in.address = l.GetAddress()
		if m := l.GetMatch(); strings.HasPrefix(m, "TLS") {
			secure = true
		} else if m == "plaintext" || m == "ALL" {
			plain = true
		}
	}
	switch {
	case secure && plain:
		in.mode = "PERMISSIVE"
	case secure:
		in.mode = "STRICT"
	case plain:
		in.mode = "DISABLE"
	}
	return in
}

// compare compares one sidecar. why is the reason if that cannot be done.
func (t *TLS) compare(ctx context.Context, n *notes, in inbound) (why string) {
	if in.address == "" {
		return "its sidecar does not listen yet"
	}
	if t.Mode != "" {
		n.add(in.mode == t.Mode, "mode", t.Mode, in.mode)
	}
	if t.Plaintext != "" {
		is, err := tryPlaintext(ctx, in.address)
		if err != nil {
			return err.Error()
		}
		n.add(is == t.Plaintext, "plaintext", t.Plaintext, is)
	}
	if t.Identity != "" {
		is, err := shownIdentity(ctx, in.address)
		if err != nil {
			return err.Error()
		}
		n.add(is == t.Identity, "identity", t.Identity, is)
	}
	return ""
}

// tryTime bounds an attempt to connect.
const tryTime = 2 * time.Second

// dialInbound connects to a port of a sidecar.
func dialInbound(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: tryTime}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect to the sidecar: %w", err)
	}
	_ = conn.SetDeadline(time.Now().Add(tryTime))
	return conn, nil
}

// alertRecord is the first byte of an alert of TLS, with which some servers refuse plaintext.
const alertRecord = 0x15

// tryPlaintext begins HTTP/2 without TLS: what responds has accepted it, and what closes the connection has refused it.
func tryPlaintext(ctx context.Context, address string) (string, error) {
	conn, err := dialInbound(ctx, address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_, err = io.WriteString(conn, http2.ClientPreface)
	if err == nil {
		err = http2.NewFramer(conn, nil).WriteSettings()
	}
	first := make([]byte, 1)
	if err == nil {
		_, err = conn.Read(first)
	}
	var timeout net.Error
	switch {
	case err == nil && first[0] != alertRecord:
		return "accepted", nil
	case errors.As(err, &timeout) && timeout.Timeout():
		return "", fmt.Errorf("the sidecar neither accepts nor refuses plaintext within %s", tryTime)
	}
	return "refused", nil // it has closed the connection
}

// shownIdentity is the SPIFFE id in the certificate that a sidecar shows in a handshake; "none" if it shows none.
func shownIdentity(ctx context.Context, address string) (string, error) {
	conn, err := dialInbound(ctx, address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	identity := "none"
	err = tls.Client(conn, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"istio", "h2"}, ServerName: "sidecar.invalid",
		InsecureSkipVerify: true, // the certificate is read, and nothing is sent to its owner
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			cert, err := x509.ParseCertificate(raw[0])
			if err == nil && len(cert.URIs) > 0 {
				identity = cert.URIs[0].String()
			}
			return err
		},
	}).HandshakeContext(ctx)
	if identity == "none" && err != nil {
		return "none: " + short(err.Error()), nil
	}
	return identity, nil
}

// askCaller compares by whose certificate the service knew a caller.
func (t *TLS) askCaller(ctx context.Context, env Env, base Baseline) Result {
	window := callerWindow
	if !base.Since.IsZero() {
		window = min(window, max(env.Now().Sub(base.Since), minWindow))
	}
	names := env.names(ctx)
	r := Result{Verdict: Inconclusive, Expected: fmt.Sprintf("%s knows %s as %s", t.Service, t.Caller, t.Identity)}
	list, err := env.sidecars(ctx, t.Caller)
	if err != nil {
		r.Observed = err.Error()
		return r
	}
	if len(list) == 0 {
		r.Observed = t.Caller + " has no sidecar: shopctl mesh on"
		return r
	}
	expr := grown("source_principal", labels("reporter", "destination", "service", names.short(t.Service)), window)
	r.Look = shellword.Join("shopctl", "metrics", "query", expr)
	counts, why := env.requests(ctx, expr)
	if why != "" || len(counts) == 0 {
		r.Observed = "no calls through sidecars: " + cmp.Or(why, "none in the last "+window.String())
		return r
	}
	is := list[0].GetIdentity()
	n := total(counts, func(s sample) bool { return s.labels["source_principal"] == is })
	r.Verdict = verdict(is == t.Identity && n > 0)
	r.Observed = fmt.Sprintf("the certificate of %s is for %s; %.0f calls came with it", t.Caller, is, n)
	return r
}
