package pane

import "github.com/shopctl/shopctl/pkg/plot"

// spark draws the last w values as bars; linear text shows only numbers.
func (t *State) spark(values []float64, w int, floor float64) string {
	if t.Linear {
		return ""
	}
	return plot.Spark(values, w, floor, t.ASCII)
}

// bars draws values as bars of several rows, top row first.
func (t *State) bars(values []float64, w, rows int, floor float64) []string {
	if t.Linear {
		return nil
	}
	return plot.Bars(values, w, rows, floor, t.ASCII)
}
