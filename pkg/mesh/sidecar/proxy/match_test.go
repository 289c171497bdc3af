package proxy_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	networking "istio.io/api/networking/v1alpha3"
)

func exactly(s string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Exact{Exact: s}}
}

func prefix(s string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Prefix{Prefix: s}}
}

func regex(s string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Regex{Regex: s}}
}

func headers(name string, m *networking.StringMatch) *networking.HTTPMatchRequest {
	return &networking.HTTPMatchRequest{Headers: map[string]*networking.StringMatch{name: m}}
}

func without(name string, m *networking.StringMatch) *networking.HTTPMatchRequest {
	return &networking.HTTPMatchRequest{WithoutHeaders: map[string]*networking.StringMatch{name: m}}
}

func both(a, b *networking.HTTPMatchRequest) []*networking.HTTPMatchRequest {
	return []*networking.HTTPMatchRequest{a, b}
}

// TestMatch calls Charge with the header x-here: yes.
func TestMatch(t *testing.T) {
	type matches = []*networking.HTTPMatchRequest
	out := []behavior{}
	for _, c := range []struct {
		name string
		all  matches
		fits bool
	}{
		{"headers exact is case-sensitive", matches{headers("x-here", exactly("YES"))}, false},
		{"headers prefix", matches{headers("x-here", prefix("ye"))}, true},
		{"headers regex matches the whole value", matches{headers("x-here", regex("ye"))}, false},
		{"headers regex", matches{headers("x-here", regex("y.s"))}, true},
		{"headers {} is present", matches{headers("x-here", &networking.StringMatch{})}, true},
		{"headers {} of a missing header", matches{headers("x-there", &networking.StringMatch{})}, false},
		{"headers in upper case never match", matches{headers("X-Here", exactly("yes"))}, false},
		{"withoutHeaders exact", matches{without("x-here", exactly("yes"))}, false},
		{"withoutHeaders of another value", matches{without("x-here", exactly("no"))}, true},
		{"withoutHeaders of a missing header", matches{without("x-there", exactly("yes"))}, true},
		{"withoutHeaders {} of a missing header", matches{without("x-there", &networking.StringMatch{})}, true},
		{"withoutHeaders {}", matches{without("x-here", &networking.StringMatch{})}, false},
		{"uri exact is the path of gRPC", matches{{Uri: exactly(charge)}}, true},
		{"uri exact of another method", matches{{Uri: exactly("/shop.Payment/Refund")}}, false},
		{"uri prefix is a plain prefix", matches{{Uri: prefix("/shop.Pay")}}, true},
		{"uri regex is a full match", matches{{Uri: regex("/shop.Payment")}}, false},
		{"uri regex", matches{{Uri: regex("/shop.Payment/.*")}}, true},
		{"uri is case-sensitive", matches{{Uri: prefix("/SHOP")}}, false},
		{"ignoreUriCase", matches{{Uri: prefix("/SHOP"), IgnoreUriCase: true}}, true},
		{"method of gRPC is POST", matches{{Method: exactly("POST")}}, true},
		{"method GET", matches{{Method: exactly("GET")}}, false},
		{"authority", matches{{Authority: exactly(host)}}, true},
		{"authority of another", matches{{Authority: exactly("cart")}}, false},
		{"match items are ORed", both(headers("x-there", exactly("1")), headers("x-here", exactly("yes"))), true},
		{"fields of one item are ANDed", matches{{Uri: exactly(charge), Method: exactly("GET")}}, false},
		{"sourceNamespace of another", both(headers("x-there", exactly("1")), &networking.HTTPMatchRequest{SourceNamespace: "other"}), false},
	} {
		b := behavior{name: c.name, route: &networking.HTTPRoute{Match: c.all}, code: codes.Unimplemented, flags: "NR"}
		if c.fits {
			b.code, b.flags, b.attempts, b.reached = codes.OK, "-", 1, 1
		}
		out = append(out, b)
	}
	for _, b := range out {
		t.Run(b.name, b.run)
	}
}
