package meshtest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// pathsOfGRPC calls Charge as email, who may not, by other names of it, and by names that begin as what email may call.
func pathsOfGRPC(t *testing.T, w *world) {
	conn := dial(t, w.email.outbound("payment", 50051), nil)
	const get = "/hipstershop.PaymentService/GetPrice"
	if err := call(t.Context(), conn, get); err != nil {
		t.Fatalf("what is allowed: %v", err)
	}
	if got := w.charged.take(); !slices.Equal(got, []string{get}) {
		t.Fatalf("what is allowed reaches the program as %q", got)
	}
	for _, path := range []string{
		charge, "/" + charge, "//hipstershop.PaymentService//Charge", "/hipstershop.PaymentService%2fCharge", "/hipstershop.PaymentService%2FCharge",
		"/hipstershop.PaymentService/%43harge", "/hipstershop.PaymentService/Charge;x", "/hipstershop.PaymentService;x/Charge",
		"/hipstershop.paymentservice/Charge", "/hipstershop.PaymentService/charge", "/hipstershop.PaymentService/Charge.", "/hipstershop.PaymentService/Charge/",
		"/hipstershop.PaymentService/Charge?x", "/hipstershop.PaymentService/./Charge", "/x/../hipstershop.PaymentService/Charge",
		"/hipstershop.PaymentService/GetPrice/../Charge", "/hipstershop.PaymentService/GetPrice/%2e%2e/Charge", "/hipstershop.PaymentService/GetPrice/.%2E/Charge",
		`/hipstershop.PaymentService/GetPrice\..\Charge`, "/hipstershop.PaymentService/GetPrice/%252e%252e/Charge", "/hipstershop.PaymentService/Charge#Get",
	} {
		err := call(t.Context(), conn, path)
		for _, method := range w.charged.take() {
			if !strings.HasPrefix(method, "/hipstershop.PaymentService/Get") || strings.HasSuffix(method, "/Charge") && !strings.Contains(method, "%") {
				t.Errorf("%s reaches the program as %s", path, method)
			}
		}
		if code := status.Code(err); code == codes.OK && !strings.Contains(path, "GetPrice") {
			t.Errorf("%s is answered", path)
		}
	}
}

// pathsOfHTTP asks for the administration, which no one may, by all its names.
func pathsOfHTTP(t *testing.T, w *world) {
	for _, path := range []string{
		"/admin", "/admin/", "/admin/users", "//admin", "/./admin", "/x/../admin", "/x/..//admin", "/%61dmin", "/%61%64min/users", "/x/%2e%2e/admin", "/x/%2E./admin",
		"/%2e/admin", `/x\..\admin`, `\admin`, "/admin?x", "/admin?/public", "/admin;x", "/admin;/../public", "/;/admin", "/admin%2fusers", "/admin%2Fusers",
		"/%2fadmin", "/x%2f..%2fadmin", "/x%2F..%2Fadmin", "/x/%252e%252e/admin", "/ADMIN", "/Admin", "/admin.", "/admin%00", "/admin%20", "/admin#public", "/public/../admin",
		"/public/..;/admin", "http://web/admin", "http://web/x/../admin", "*",
	} {
		for _, request := range []string{"GET " + path + " HTTP/1.1\r\nHost: web\r\n\r\n", "GET " + path + " HTTP/1.0\r\n\r\n"} {
			response, _ := raw(t, connect(t, w.web.inbound(8080)), request)
			if got := w.visited.take(); slices.Contains(got, "admin") {
				t.Errorf("%s reaches the administration: %v", path, response)
			}
			if response != nil && response.StatusCode >= 500 && path != "*" {
				t.Errorf("%s: %s", path, response.Status)
			}
		}
	}
	if response, _ := raw(t, connect(t, w.web.inbound(8080)), "GET /public HTTP/1.1\r\nHost: web\r\n\r\n"); response == nil || response.StatusCode != 200 {
		t.Errorf("what is allowed: %v", response)
	}
}

// forgedCertificate says of itself in a header that it is checkout.
func forgedCertificate(t *testing.T, w *world) {
	const forged = "By=spiffe://cluster.local/ns/production/sa/web;URI=spiffe://cluster.local/ns/production/sa/checkout"
	const request = "GET / HTTP/1.1\r\nHost: web\r\nX-Forwarded-Client-Cert: " + forged + "\r\n\r\n"
	response, _ := raw(t, connect(t, w.web.inbound(8080)), request)
	if response == nil || response.Header.Get("X-Certificate") != "" {
		t.Errorf("in plain text, the program is shown %v", header(response))
	}
	response, _ = raw(t, connect(t, w.email.outbound("web", 80)), request)
	if got := header(response); !strings.Contains(got, "URI=spiffe://cluster.local/ns/production/sa/email") || strings.Contains(got, "sa/checkout") {
		t.Errorf("through email's sidecar, the program is shown %q", got)
	}
	// Who has a certificate of the mesh may name further proxies before itself, as in Istio; the last is the one that was proved.
	conn := connectTLS(t, w.web.inbound(8080), showing("istio", certificate(t, w.authority, "email")))
	response, _ = raw(t, conn, request)
	got := header(response)
	if last := got[strings.LastIndexByte(got, ',')+1:]; !strings.Contains(last, "URI=spiffe://cluster.local/ns/production/sa/email") || strings.Contains(last, "sa/checkout") {
		t.Errorf("with email's certificate, the program is shown %q", got)
	}
}

func header(r *http.Response) string {
	if r == nil {
		return ""
	}
	return r.Header.Get("X-Certificate")
}
