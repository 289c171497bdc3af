package proxy_test

import (
	"io"
	"net"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	rbacv3 "github.com/envoyproxy/go-control-plane/envoy/config/rbac/v3"
	networkrbacv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/rbac/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// serveTCP greets, and says everything back.
func serveTCP(t *testing.T) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.WriteString(conn, "+HELLO\r\n") // the server speaks first
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	return ln.Addr().String()
}

// tcpResources are those of a listener "redis" that passes connections on, if filters before that let them.
func tcpResources(t *testing.T, addr string, filters ...proto.Message) *xds.Resources {
	t.Helper()
	chain := &listenerv3.FilterChain{}
	for _, f := range append(filters, &tcpv3.TcpProxy{ClusterSpecifier: &tcpv3.TcpProxy_Cluster{Cluster: "outbound|50051||" + host}}) {
		chain.Filters = append(chain.Filters, &listenerv3.Filter{ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: pack(t, f)}})
	}
	r := outbound(t, mesh(), false, addr)
	r.Listeners = []*listenerv3.Listener{{
		Name: "redis", Address: socket("127.0.0.1:0"), TrafficDirection: corev3.TrafficDirection_OUTBOUND, FilterChains: []*listenerv3.FilterChain{chain},
	}}
	return r
}

func TestAKeptTCPConnectionEndsWhenAPolicyDeniesIt(t *testing.T) {
	addr := serveTCP(t)
	policy := func(action rbacv3.RBAC_Action) proto.Message {
		return &networkrbacv3.RBAC{StatPrefix: "tcp.", Rules: &rbacv3.RBAC{Action: action, Policies: map[string]*rbacv3.Policy{"all": {
			Permissions: []*rbacv3.Permission{{Rule: &rbacv3.Permission_Any{Any: true}}},
			Principals:  []*rbacv3.Principal{{Identifier: &rbacv3.Principal_Any{Any: true}}},
		}}}}
	}
	out, _ := newProxy(t, nil, tcpResources(t, addr))
	conn, err := net.Dial("tcp", out.Listeners()["redis"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	says := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
			t.Errorf("the connection says %q, %v, want %q", got, err, want)
		}
	}
	says("+HELLO\r\n")
	if err := out.Update(tcpResources(t, addr, policy(rbacv3.RBAC_ALLOW))); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "PING\r\n")
	says("PING\r\n")
	if err := out.Update(tcpResources(t, addr, policy(rbacv3.RBAC_DENY))); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("the connection goes on with %d bytes", n)
	}
}

func TestATCPConnectionIsPassedOn(t *testing.T) {
	out, log := newProxy(t, nil, tcpResources(t, serveTCP(t)))
	conn, err := net.Dial("tcp", out.Listeners()["redis"])
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "PING\r\n")
	_ = conn.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(conn); err != nil || string(got) != "+HELLO\r\nPING\r\n" {
		t.Errorf("the answer is %q, %v", got, err)
	}
	_ = conn.Close()
	if e := log.wait(t, 1); e.BytesReceived != 6 || e.BytesSent != 14 || e.Flags != 0 {
		t.Errorf("recorded is %+v", e)
	}
}

func TestDrainEndsAConnectionThatIsHalfClosed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	r := outbound(t, mesh(), false, ln.Addr().String())
	r.Listeners[0].FilterChains[0].Filters[0].ConfigType = &listenerv3.Filter_TypedConfig{
		TypedConfig: pack(t, &tcpv3.TcpProxy{ClusterSpecifier: &tcpv3.TcpProxy_Cluster{Cluster: "outbound|50051||" + host}}),
	}
	out, _ := newProxy(t, nil, r)
	conn, err := net.Dial("tcp", out.Listeners()[outer])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).CloseWrite()
	up, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	if _, err := up.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the server reads %v", err)
	}
	ctx, cancel := contextOf(t)
	cancel()
	out.Drain(ctx)
}
