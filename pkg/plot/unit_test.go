package plot

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestValuesAreWrittenForPeople(t *testing.T) {
	for _, c := range []struct {
		unit Unit
		v    float64
		want string
	}{
		{Plain, 0, "0"},
		{Plain, 0.5, "0.5"},
		{Plain, 1234, "1.23k"},
		{Plain, 999.96, "1k"},
		{Plain, 48, "48"},
		{Plain, -3.14159, "-3.14"},
		{Plain, 1e-9, "1e-09"},
		{Plain, 7e16, "70000T"},
		{Plain, math.NaN(), "none"},
		{Plain, math.Inf(1), "infinite"},
		{Plain, math.Inf(-1), "-infinite"},
		{Seconds, 0, "0s"},
		{Seconds, 0.0421, "42.1ms"},
		{Seconds, 2.9, "2.9s"},
		{Seconds, 0.000012, "12us"},
		{Seconds, 0.00000025, "250ns"},
		{Bytes, 8.04e6, "8.04MB"},
		{Bytes, 512, "512B"},
		{Bytes, 3.2e9, "3.2GB"},
		{Ratio, 0.48, "48%"},
		{Ratio, 0.0123, "1.23%"},
		{Ratio, 0, "0%"},
	} {
		if got := c.unit.Format(c.v); got != c.want {
			t.Errorf("%v in unit %d is %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestUnitsAreGuessedFromNames(t *testing.T) {
	for expr, want := range map[string]Unit{
		`histogram_quantile(0.95, sum by (le) (rate(grpc_server_handling_seconds_bucket[1m])))`: Seconds,
		`rate(grpc_server_handling_seconds_count[1m])`:                                          Plain,
		`rate(x_seconds_sum[1m]) / rate(x_seconds_count[1m])`:                                   Seconds,
		`rate(process_cpu_seconds_total[1m])`:                                                   Plain,
		`process_resident_memory_bytes`:                                                         Bytes,
		`shop_error_ratio`:                                                                      Ratio,
		`up`:                                                                                    Plain,
		`node_boot_seconds`:                                                                     Seconds,
		`x_seconds_bucket`:                                                                      Plain,
	} {
		if got := UnitOf(expr); got != want {
			t.Errorf("%s: unit %d, want %d", expr, got, want)
		}
	}
}

func TestLabelsBesideAnAxisDiffer(t *testing.T) {
	for _, c := range [][2]float64{{0, 1}, {0, 0.11}, {100, 101}, {-3, 7}, {0, 1e9}, {1e-9, 3e-9}, {0.12, 0.123}} {
		for rows := 2; rows < 30; rows++ {
			a := newAxis(c[0], c[1], max(1, rows/2))
			ticks, seen := a.ticks(), map[string]bool{}
			if len(ticks) == 0 || len(ticks) > rows {
				t.Errorf("%v in %d rows has the ticks %v", c, rows, ticks)
			}
			for _, v := range ticks {
				text := Plain.format(v, a.step)
				if seen[text] {
					t.Errorf("%v in %d rows: %s stands twice", c, rows, text)
				}
				seen[text] = true
			}
		}
	}
}

func TestTimesAreRoundOnTheWallClock(t *testing.T) {
	zone := time.FixedZone("half", 5*3600+1800)
	from := noon().In(zone)
	for _, m := range moments(from, from.Add(5*time.Hour), 4) {
		if m.Minute() != 0 || m.Second() != 0 {
			t.Errorf("%s is not round", m)
		}
	}
	if got := len(moments(from, from.Add(1000*24*time.Hour), 6)); got < 3 || got > 8 {
		t.Errorf("%d moments in three years", got)
	}
}

func TestSparksAreScaledAndFit(t *testing.T) {
	values := []float64{0, 1, 2, 4, math.NaN(), 8}
	if got := Spark(values, 8, 0, false); got != "  ▁▂▃▅ █" {
		t.Errorf("got %q", got)
	}
	if got := Spark(values, 3, 80, true); got != "_ ." {
		t.Errorf("got %q", got)
	}
	if got := Spark(nil, 0, 0, true) + Spark(nil, -1, 0, true); got != "" {
		t.Errorf("got %q", got)
	}
	if got := strings.Join(Bars(values, 6, 2, 0, false), "/"); got != "     █/▁▂▄█ █" {
		t.Errorf("got %q", got)
	}
	for _, line := range Bars([]float64{math.Inf(1), -3, math.MaxFloat64}, 9, 3, math.NaN(), true) {
		if width(line) != 9 {
			t.Errorf("%q is %d cells wide", line, width(line))
		}
	}
}
