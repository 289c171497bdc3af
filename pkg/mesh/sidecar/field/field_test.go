package field_test

import (
	"slices"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

func fields(pairs ...string) field.Fields {
	var f field.Fields
	for i := 0; i < len(pairs); i += 2 {
		f = append(f, hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return f
}

func TestSeveralValuesOfANameAreJoinedWithAComma(t *testing.T) {
	f := fields("x-canary", "a", "other", "b", "x-canary", "c", "x-canary", "")
	if got := f.Get("x-canary"); got != "a,c," {
		t.Errorf("the value is %q", got)
	}
	if value, ok := f.Lookup("missing"); ok || value != "" {
		t.Errorf("a missing name has %q", value)
	}
}

func TestSetReplacesAllValuesInThePlaceOfTheFirst(t *testing.T) {
	f := fields(":path", "/", "a", "1", "b", "2", "a", "3", "c", "4")
	f.Set("a", "5")
	if want := fields(":path", "/", "a", "5", "b", "2", "c", "4"); !slices.Equal(f, want) {
		t.Errorf("the fields are %v", f)
	}
	f.Set("d", "6")
	f.Del("b")
	f.Add("c", "7")
	f.Set(":authority", "shop")
	if want := fields(":authority", "shop", ":path", "/", "a", "5", "c", "4", "d", "6", "c", "7"); !slices.Equal(f, want) {
		t.Errorf("the fields are %v", f)
	}
}

func TestACloneIsApart(t *testing.T) {
	f := fields("a", "1", "b", "2")
	c := f.Clone()
	c.Set("a", "3")
	c.Del("b")
	if want := fields("a", "1", "b", "2"); !slices.Equal(f, want) {
		t.Errorf("the fields are %v", f)
	}
}

func TestARequestIsReadFromItsPseudoFields(t *testing.T) {
	r := field.ReadRequest(fields(":method", "POST", ":scheme", "http", ":path", "/a/b?x=1&y=2&x=3#part", ":authority", "cart:7070",
		"content-type", "application/grpc+proto"))
	if r.Method != "POST" || r.Authority != "cart:7070" || r.PathOnly() != "/a/b" || r.Query() != "x=1&y=2&x=3" || !r.IsGRPC() {
		t.Errorf("the request is %+v, %q, %q, %t", r, r.PathOnly(), r.Query(), r.IsGRPC())
	}
	if value, ok := r.QueryValue("x"); value != "1" || !ok {
		t.Errorf("x is %q", value)
	}
	if _, ok := r.QueryValue("z"); ok {
		t.Error("z is there")
	}
	for kind, want := range map[string]bool{
		"application/grpc": true, "application/grpc;x=1": true, "application/grpc-web": false, "application/json": false, "": false,
	} {
		other := field.ReadRequest(fields(":path", "/", "content-type", kind))
		if other.IsGRPC() != want {
			t.Errorf("%q is gRPC: %t", kind, other.IsGRPC())
		}
	}
}

func TestAnAuthorityIsKnownWithoutItsPort(t *testing.T) {
	for authority, want := range map[string]string{
		"cart": "cart", "cart:7070": "cart", "[::1]:80": "[::1]", "[::1]": "[::1]", "::1": "::1", "cart:": "cart", "cart:x": "cart:x", "": "",
	} {
		if got := field.WithoutPort(authority); got != want {
			t.Errorf("%q is %q without its port", authority, got)
		}
	}
}

func TestAPathIsNormalizedAsIstioDoesByDefault(t *testing.T) {
	for path, want := range map[string]string{
		"/a/b":             "/a/b",
		"/":                "/",
		"/a/./b":           "/a/b",
		"/a/../b":          "/b",
		"/../../a":         "/a",
		"/a/..":            "/",
		"/a/.":             "/a/",
		"/a/%2e%2E/b":      "/b",
		"/a/.%2e/b":        "/b",
		`/a\..\b`:          "/b",
		"/%61dmin":         "/admin",
		"/admin%2fx":       "/admin%2fx",
		"//admin":          "//admin",
		"/Admin":           "/Admin",
		"/a;x=1/b":         "/a;x=1/b",
		"/a/b?q=/../%2e":   "/a/b?q=/../%2e",
		"/a/../b?":         "/b?",
		"/%":               "/%",
		"/%zz/%4":          "/%zz/%4",
		"/.well-known/a":   "/.well-known/a",
		"/a..b/...":        "/a..b/...",
		"*":                "*",
		"/a/%252e%252e/b":  "/a/%252e%252e/b",
		"/a/b/../../../cd": "/cd",
	} {
		got, ok := field.NormalizePath(path)
		if !ok || got != want {
			t.Errorf("%q becomes %q (%t), not %q", path, got, ok, want)
		}
	}
	for _, bad := range []string{"", "a", "http://cart/a", "/a#b", "/a/b#"} {
		if got, ok := field.NormalizePath(bad); ok {
			t.Errorf("%q becomes %q", bad, got)
		}
	}
}

func FuzzNormalizePath(f *testing.F) {
	for _, seed := range []string{"/a/../b", "/%2e%2e/a?x", `/\..`, "/a//..//b", "/%2", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		once, ok := field.NormalizePath(path)
		if !ok {
			return
		}
		twice, ok := field.NormalizePath(once)
		if !ok || twice != once {
			t.Errorf("%q becomes %q, and that %q", path, once, twice)
		}
	})
}
