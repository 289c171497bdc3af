package chassis

import "testing"

func TestAnAddressMayNameAResolverAsGRPCTakesIt(t *testing.T) {
	for value, want := range map[string]string{
		"cart:7070": "cart:7070", "dns:///127.0.0.1:4000": "127.0.0.1:4000", "dns:127.0.0.1:4000": "127.0.0.1:4000", "dns:/cart:7070": "cart:7070",
		"dns://8.8.8.8/cart:7070": "cart:7070", "passthrough:///cart:7070": "cart:7070", "http://cart:7070/x": "cart:7070",
	} {
		rt := &Runtime{o: Options{Getenv: func(string) string { return value }}}
		if got, err := rt.address("CART_ADDR"); err != nil || got != want {
			t.Errorf("%q is %q, %v", value, got, err)
		}
	}
}
