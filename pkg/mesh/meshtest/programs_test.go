package meshtest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/shopctl/shopctl/pkg/mesh/ca"
)

const charge = "/hipstershop.PaymentService/Charge"

// seen is what reached a program, one line for each request.
type seen struct {
	mu  sync.Mutex
	all []string
}

func (s *seen) add(line string) {
	s.mu.Lock()
	s.all = append(s.all, line)
	s.mu.Unlock()
}

// take returns what came since the last time.
func (s *seen) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

// getMuch is a method that answers with 1,024,000 bytes, which its caller need not ask for.
const getMuch = "/hipstershop.PaymentService/GetMuch"

// count is how often a line came since the last time.
func (s *seen) count(line string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if one == line {
			n++
		}
	}
	return n
}

// grpcProgram answers each call with its messages, whatever is called.
func grpcProgram(t *testing.T) (string, *seen) {
	t.Helper()
	got := &seen{}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		got.add(method)
		for range 64 {
			if method != getMuch {
				break
			}
			if err := stream.SendMsg(wrapperspb.Bytes(make([]byte, 16000))); err != nil {
				return err
			}
		}
		for {
			var m wrapperspb.BytesValue
			if err := stream.RecvMsg(&m); err != nil {
				return nil
			}
			if err := stream.SendMsg(&m); err != nil {
				return err
			}
		}
	}))
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(ln) })
	t.Cleanup(func() { s.Stop(); wg.Wait() })
	return ln.Addr().String(), got
}

// webProgram answers with the path that it was asked for and the certificate that it was shown.
func webProgram(t *testing.T) (string, *seen) {
	t.Helper()
	got := &seen{}
	mux := http.NewServeMux()
	answer := func(page string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			got.add(page)
			w.Header().Set("X-Certificate", r.Header.Get("X-Forwarded-Client-Cert"))
			w.Header().Set("X-Host", r.Host)
			_, _ = io.Copy(w, r.Body)
		}
	}
	mux.HandleFunc("/", answer("public"))
	mux.HandleFunc("/admin", answer("admin"))
	mux.HandleFunc("/admin/", answer("admin"))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), got
}

// tcpProgram answers with what it gets.
func tcpProgram(t *testing.T) (string, *seen) {
	t.Helper()
	got := &seen{}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					got.add(lines.Text())
					_, _ = io.WriteString(conn, lines.Text()+"\n")
				}
			})
		}
	})
	t.Cleanup(func() { _ = ln.Close(); wg.Wait() })
	return ln.Addr().String(), got
}

func account(name string) ca.Identity {
	return ca.Identity{TrustDomain: "cluster.local", Namespace: namespace, ServiceAccount: name}
}

// certificate is one that an authority signed for an account.
func certificate(t *testing.T, authority *ca.CA, name string) tls.Certificate {
	t.Helper()
	key, request, err := ca.Request(account(name))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := authority.Sign(request, account(name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(signed)
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}
}

// earlier is the shop's authority as it was before.
func (s *shop) earlier(t *testing.T, before time.Duration) *ca.CA {
	t.Helper()
	authority, err := ca.Open(filepath.Join(s.dir, "ca"), func() time.Time { return time.Now().Add(-before) })
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

// another is an authority that the shop does not trust.
func another(t *testing.T) *ca.CA {
	t.Helper()
	authority, err := ca.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

// showing is TLS of a caller that shows certificates, and accepts all.
func showing(protocol string, certs ...tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: certs, InsecureSkipVerify: true, NextProtos: []string{protocol}}
}

// dial connects a client of gRPC; nil: in plain text.
func dial(t *testing.T, address string, config *tls.Config) *grpc.ClientConn {
	t.Helper()
	secure := insecure.NewCredentials()
	if config != nil {
		secure = credentials.NewTLS(config)
	}
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(secure))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// call calls a method.
func call(ctx context.Context, conn *grpc.ClientConn, method string) error {
	return conn.Invoke(ctx, method, wrapperspb.Bytes([]byte("4432-8015-6152-0454")), new(wrapperspb.BytesValue))
}

// raw sends the text of a request of HTTP/1.1, and returns the response with its body; nil: none came.
func raw(t *testing.T, conn net.Conn, text string) (*http.Response, string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		return nil, ""
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, ""
	}
	return response, string(body)
}

// connect connects in plain text.
func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// connectTLS connects with TLS.
func connectTLS(t *testing.T, address string, config *tls.Config) net.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// dialTarget connects a client of gRPC to a target, in plain text.
func dialTarget(t *testing.T, target string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
