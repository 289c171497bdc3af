package loopback

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyThisMachineIsServed(t *testing.T) {
	h := Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, tt := range []struct {
		host, origin string
		want         int
	}{
		{"127.0.0.1:4318", "", 200},
		{"localhost", "", 200},
		{"[::1]:80", "http://localhost:8080", 200},
		{"127.0.0.2", "http://127.0.0.1:8080", 200},
		{"127.0.0.1", "https://[::1]", 200},
		{"", "", 403},
		{"evil.example", "", 403},
		{"127.0.0.1.evil.example:4318", "", 403},
		{"localhost.evil.example", "", 403},
		{"evil.example@127.0.0.1", "", 403},
		{"127.0.0.1/x", "", 403},
		{"192.168.1.1", "", 403},
		{"127.0.0.1", "http://evil.example", 403},
		{"127.0.0.1", "null", 403},
		{"127.0.0.1", "http://127.0.0.1.evil.example", 403},
		{"127.0.0.1", "file://localhost", 403},
		{"127.0.0.1", "chrome-extension://127.0.0.1", 403},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Host = tt.host
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("Host %q, Origin %q: %d, want %d", tt.host, tt.origin, w.Code, tt.want)
		}
	}
}
