package call_test

import (
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/call"
)

// BenchmarkInvoke measures a call whose contract and connection are kept, and one by a caller that has just
// been made, as each command line makes one.
func BenchmarkInvoke(b *testing.B) {
	_, linked := startCart(b)
	reflected := streamsTarget(b)
	for name, r := range map[string]call.Request{
		"linked":     {Target: linked, Method: "GetCart"},
		"reflection": {Target: reflected, Method: "UnaryCall"},
	} {
		run := func(b *testing.B, c *call.Caller) {
			r.Messages = strings.NewReader("{}")
			if result, err := c.Invoke(b.Context(), r); err != nil || result.Status.Err() != nil {
				b.Fatal(result, err)
			}
		}
		b.Run(name+"/kept", func(b *testing.B) {
			c := newCaller(b)
			for b.Loop() {
				run(b, c)
			}
		})
		b.Run(name+"/fresh", func(b *testing.B) {
			for b.Loop() {
				c := newCaller(b)
				run(b, c)
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
