package tui

import (
	"math"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/tui/style"
)

// frameBudget is what a frame of 120x40 may take, even when nothing of the last frame can be reused.
const frameBudget = 2 * time.Millisecond

// dropDrawings makes panes drop what they keep of their last drawing: another theme changes all of it.
func (s *screen) dropDrawings() { s.state.Theme = style.New(s.state.Options) }

// BenchmarkFrame draws each screen as after a change of everything on it. The fastest frame is compared with the
// budget: the machine is the cause of slower ones.
func BenchmarkFrame(b *testing.B) {
	for name, s := range screens(b, Config{Color: true}) {
		b.Run(name, func(b *testing.B) {
			s.size(120, 40)
			b.ReportAllocs()
			fastest := time.Duration(math.MaxInt64)
			for b.Loop() {
				s.dropDrawings()
				began := time.Now()
				s.draw()
				fastest = min(fastest, time.Since(began))
			}
			b.ReportMetric(float64(fastest)/1e6, "ms/fastest")
			if fastest > frameBudget {
				b.Errorf("a frame takes %s, the budget is %s", fastest, frameBudget)
			}
		})
	}
}
