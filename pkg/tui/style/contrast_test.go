package style

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"testing"
)

// luminance is the relative luminance of a color as WCAG 2 defines it.
func luminance(r, g, b int) float64 {
	linear := func(c int) float64 {
		x := float64(c) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

// contrast is the ratio of two colors, from 1 to 21.
func contrast(a, b [3]int) float64 {
	x, y := luminance(a[0], a[1], a[2]), luminance(b[0], b[1], b[2])
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// colorIn finds a color in the sequence of a tone: 38 is the foreground, 48 the background.
func colorIn(t *testing.T, on string, which int) (c [3]int, ok bool) {
	t.Helper()
	m := regexp.MustCompile(fmt.Sprintf(`%d;2;(\d+);(\d+);(\d+)`, which)).FindStringSubmatch(on)
	for i := range c {
		if m == nil {
			return c, false
		}
		n, err := strconv.Atoi(m[i+1])
		if err != nil {
			t.Fatal(err)
		}
		c[i] = n
	}
	return c, true
}

func TestTextCanBeReadOnLightAndOnDark(t *testing.T) {
	const least = 4.5 // WCAG 2, level AA
	backgrounds := map[bool][][3]int{
		true:  {{0, 0, 0}, {30, 30, 30}, {40, 42, 54}},
		false: {{255, 255, 255}, {250, 250, 245}},
	}
	for dark, behind := range backgrounds {
		theme := New(Options{Color: true, Dark: dark})
		chosen, ok := colorIn(t, theme.Highlighted.on, 48)
		if !ok {
			t.Fatalf("the selection has no background: %q", theme.Highlighted.on)
		}
		for _, p := range theme.Palette() {
			text, ok := colorIn(t, p.on, 38)
			if !ok || p.Name == "border" {
				continue
			}
			for _, b := range append(behind, chosen) {
				if got := contrast(text, b); got < least {
					t.Errorf("dark %t: %s %v on %v has a contrast of %.2f, want %.1f", dark, p.Name, text, b, got, least)
				}
			}
		}
	}
}
