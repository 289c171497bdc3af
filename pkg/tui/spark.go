package tui

import "github.com/shopctl/shopctl/pkg/plot"

// spark draws the last w values as bars; linear text has numbers alone.
func (t *world) spark(values []float64, w int, floor float64) string {
	if t.linear {
		return ""
	}
	return plot.Spark(values, w, floor, t.ascii)
}

// chart draws values as bars of several rows, top row first.
func (t *world) chart(values []float64, w, rows int, floor float64) []string {
	if t.linear {
		return nil
	}
	return plot.Bars(values, w, rows, floor, t.ascii)
}
