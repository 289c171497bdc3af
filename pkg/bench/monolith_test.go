package bench

import (
	"testing"
	"time"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// alone is how many orders of a round are placed one after the other, for their latency.
const alone = 200

// BenchmarkMonolith places the same orders in the shop of one process and in that of eleven, in turn: what an
// order costs in processor time of everything, how long one takes alone, and how many there are a second from 8
// workers.
func BenchmarkMonolith(b *testing.B) {
	for b.Loop() {
		one, eleven := startShop(b, "--monolith"), startShop(b)
		placeOne, placeEleven := costs(b, one), costs(b, eleven)
		var processor, latency, rates []float64
		for round := range rounds + 1 {
			apart, together := placeEleven(), placeOne()
			if round == 0 {
				continue
			}
			processor = append(processor, together.processor/apart.processor)
			latency = append(latency, together.latency/apart.latency)
			rates = append(rates, together.rate/apart.rate)
			b.Logf("one process: %v, eleven: %v", together, apart)
		}
		b.ReportMetric(middle(latency), "latency-one:eleven")
		b.ReportMetric(middle(rates), "rate-one:eleven")
		check(b, "order in one process", middle(processor))
	}
}

// cost is the result of a round: milliseconds of processor time and of latency for one order, and orders a second.
type cost struct{ processor, latency, rate float64 }

// costs fills the carts of all rounds, and returns what places the orders of one.
func costs(b *testing.B, s *shop) func() cost {
	b.Helper()
	place := orderer(b, s)
	client := pb.NewCheckoutServiceClient(dial(b, s.addr("checkout")))
	last := int64(-1)
	fillSome(b, s, -1-alone*(rounds+1), 0)
	return func() cost {
		var took []time.Duration
		for range alone {
			start := time.Now()
			if _, err := client.PlaceOrder(b.Context(), order(last)); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
			last--
		}
		before, start := s.cpu(), time.Now()
		n := float64(place())
		return cost{ms(s.cpu()-before) / n, ms(median(took)), n / time.Since(start).Seconds()}
	}
}
