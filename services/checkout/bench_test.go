package checkout_test

import (
	"testing"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// BenchmarkPlaceOrder orders two products with dependencies that do nothing but respond: what is measured
// is the checkout's own work and twelve calls over loopback, traced and counted, in one process.
func BenchmarkPlaceOrder(b *testing.B) {
	s := open(b)
	s.forget = true
	b.ReportAllocs()
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		client := pb.NewCheckoutServiceClient(s.service.Conn())
		for p.Next() {
			if _, err := client.PlaceOrder(b.Context(), order()); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
