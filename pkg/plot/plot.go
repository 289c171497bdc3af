// Package plot draws time series as text: lines of braille dots in a frame of values and times, the same
// in ASCII, and for a screen reader the same in words and numbers. It only makes strings: it measures
// them with x/ansi and leaves colors to its caller.
package plot

import "time"

// Point is a value at a time. NaN and the infinities are gaps: the line stops before them and continues
// behind them.
type Point struct {
	Time  time.Time
	Value float64
}

// Series is one line, its oldest point first.
type Series struct {
	Name   string
	Points []Point
}

// Options say how a plot looks. Width and Height are in cells; all else may be left out.
type Options struct {
	Width, Height int
	// Title is a first line. With one series that has no name, the figures of that series are next to it
	// and there is no legend.
	Title string
	Unit  Unit
	// From and To are the ends of the time axis; those that are zero are taken from the points. Points
	// outside are not drawn and not counted.
	From, To time.Time
	// Step is the usual time between two points. Points that are twice as far apart are not joined; zero
	// joins all.
	Step time.Duration
	// Floor is a value that the axis always reaches, so that noise far below it stays flat.
	Floor float64
	// Empty is the text where there is no point; by default that there is nothing to show.
	Empty string
	Style Style
}

// Style is the terminal's part of a plot.
type Style struct {
	ASCII bool
	// Linear selects words and numbers in place of a drawing.
	Linear bool
	// Paint colors a piece of text; nil leaves it as it is. It must not change the width.
	Paint func(Tone, string) string
}

// Tone is the role of a piece of a plot, for its color. Series i has tone First + i%Tones.
type Tone int

// The tones in addition to those of series.
const (
	// Faint is the tone of axes and their labels.
	Faint Tone = iota
	// Title is the title.
	Title
	// First is the tone of the first series.
	First
)

// Tones is the number of series with distinct colors and marks.
const Tones = 6

// toneOf is the tone of series i.
func toneOf(i int) Tone { return First + Tone(i%Tones) }

// mark is the symbol of series i, which distinguishes it from others without color, too.
func (s Style) mark(i int) string {
	marks := [Tones]string{"●", "▲", "■", "◆", "○", "△"}
	if s.ASCII || s.Linear {
		marks = [Tones]string{"*", "o", "x", "+", "#", "@"}
	}
	return marks[i%Tones]
}

func (s Style) paint(tone Tone, text string) string {
	if s.Paint == nil || text == "" {
		return text
	}
	return s.Paint(tone, text)
}

// Lines draws series as exactly o.Height lines of exactly o.Width cells, whatever their number, size and
// values are. What does not fit is left out in this order: the times, the values beside the axis, the
// figures of the later series, the drawing.
func Lines(series []Series, o Options) []string {
	if o.Height <= 0 {
		return nil
	}
	f := &frame{Options: o, all: measure(series, o)}
	f.bounds()
	switch {
	case o.Width <= 0:
	case f.empty():
		f.title()
		f.add(Faint, f.nothing())
	case o.Style.Linear:
		f.words()
	default:
		f.draw()
	}
	return f.whole()
}
