package workload

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// shell is a container with one command that succeeds.
type shell struct{}

func (shell) Exec(_ context.Context, command []string) ([]byte, error) {
	if command[0] == "ready" {
		return nil, nil
	}
	return []byte("not yet\nreally"), errors.New("exit status 3")
}

func TestProbesCheckAsTheKubeletDoes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv, h := grpc.NewServer(), health.NewServer()
	healthpb.RegisterHealthServer(srv, h)
	h.SetServingStatus("down", healthpb.HealthCheckResponse_NOT_SERVING)
	go srv.Serve(l)
	t.Cleanup(srv.Stop)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/ok" && r.Host == "shop" && r.Header.Get("X-Probe") == "1":
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/fail", http.StatusFound)
		case r.URL.Path == "/away":
			http.Redirect(w, r, "http://elsewhere.invalid/", http.StatusFound)
		case r.URL.Path == "/around":
			http.Redirect(w, r, "/around", http.StatusFound)
		case r.URL.Path == "/plain" && r.Header.Get("User-Agent") == "kube-probe/shopctl" && r.Header.Get("Accept") == "*/*":
		case r.URL.Path == "/headers" && len(r.Header["X-Probe"]) == 2 && r.Header["Accept"] == nil && r.Header.Get("User-Agent") == "me":
		default:
			http.Error(w, "no", http.StatusInternalServerError)
		}
	}))
	t.Cleanup(web.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(secure.Close)
	secureAddr := secure.Listener.Addr().String()
	webAddr, grpcAddr := web.Listener.Addr().String(), l.Addr().String()

	name := func(s string) *string { return &s }
	get := func(path string, headers ...corev1.HTTPHeader) corev1.ProbeHandler {
		return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("http"), HTTPHeaders: headers}}
	}
	for what, c := range map[string]struct {
		addr    string
		handler corev1.ProbeHandler
		want    string // empty: it succeeds
	}{
		"grpc":          {grpcAddr, corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 80}}, ""},
		"grpc down":     {grpcAddr, corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 80, Service: name("down")}}, "health is NOT_SERVING"},
		"grpc unknown":  {grpcAddr, corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 80, Service: name("x")}}, "unknown service"},
		"http":          {webAddr, get("/ok", corev1.HTTPHeader{Name: "Host", Value: "shop"}, corev1.HTTPHeader{Name: "X-Probe", Value: "1"}), ""},
		"http redirect": {webAddr, get("/moved"), "500"},
		"http away":     {webAddr, get("/away"), ""},
		"http around":   {webAddr, get("/around"), "stopped after 10 redirects"},
		"http plain":    {webAddr, get("/plain"), ""},
		"http headers": {webAddr, get("/headers", corev1.HTTPHeader{Name: "X-Probe", Value: "1"}, corev1.HTTPHeader{Name: "x-probe", Value: "2"},
			corev1.HTTPHeader{Name: "Accept"}, corev1.HTTPHeader{Name: "User-Agent", Value: "me"}), ""},
		"https":         {secureAddr, corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(80), Scheme: corev1.URISchemeHTTPS}}, ""},
		"http to https": {secureAddr, corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(80)}}, "400"},
		"another host":  {webAddr, corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "127.0.0.2", Port: intstr.FromInt32(1)}}, "127.0.0.2:1"},
		"http error":    {webAddr, get("/fail"), "500"},
		"tcp":           {webAddr, corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(80)}}, ""},
		"wrong port":    {webAddr, corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(1)}}, "refused"},
		"unknown port":  {webAddr, corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("x")}}, `no port named "x"`},
		"exec":          {webAddr, corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"ready"}}}, ""},
		"exec fails":    {webAddr, corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"check"}}}, "check: exit status 3 not yet"},
	} {
		t.Run(what, func(t *testing.T) {
			p := &prober{addr: c.addr, ports: []podspec.Port{{Name: "http", Number: 80}}, exec: shell{}}
			defer p.Close()
			err := p.check(t.Context(), &probe{Probe: &corev1.Probe{ProbeHandler: c.handler}})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
