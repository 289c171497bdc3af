package money_test

import (
	"math"
	"testing"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

func TestFormatShowsWhatThePageShows(t *testing.T) {
	for _, c := range []struct {
		code  string
		units int64
		nanos int32
		want  string
	}{
		{"USD", 19, 990_000_000, "$19.99"},
		{"USD", 0, 0, "$0.00"},
		{"USD", 0, 50_000_000, "$0.05"},
		{"USD", 0, 199_999_999, "$0.20"}, // cut, it would be $0.19
		{"USD", 1, 5_000_000, "$1.01"},
		{"USD", 1, 4_999_999, "$1.00"},
		{"USD", 9, 999_999_999, "$10.00"},
		{"USD", -1, -750_000_000, "-$1.75"},
		{"USD", 0, -5_000_000, "-$0.01"},
		{"USD", 0, -4_999_999, "$0.00"},
		{"USD", math.MaxInt64, 999_999_999, "$9223372036854775808.00"},
		{"USD", math.MinInt64, -999_999_999, "-$9223372036854775809.00"},
		{"JPY", 2235, 60_592_707, "¥2235"}, // the original showed cents that do not exist
		{"JPY", 2235, 500_000_000, "¥2236"},
		{"EUR", 17, 682_441_398, "€17.68"},
		{"GBP", 15, 201_594_869, "£15.20"},
		{"TRY", 108, 299_648_830, "₺108.30"},
		{"CAD", 26, 749_997_346, "CA$26.75"},
		{"CHF", 264, 84_507_042, "CHF 264.08"},
		{"KRW", 1, 499_999_999, "KRW 1"},
		{"KWD", 1, 234_500_000, "KWD 1.235"},
		{"", 1, 0, "1.00"},
	} {
		if got := money.Format(&hipstershop.Money{CurrencyCode: c.code, Units: c.units, Nanos: c.nanos}); got != c.want {
			t.Errorf("Format(%s %d.%09d) = %q, want %q", c.code, c.units, c.nanos, got, c.want)
		}
	}
}

func TestLogsShowMinorUnitsAndTheCode(t *testing.T) {
	for want, m := range map[string]*hipstershop.Money{
		"153478 JPY": {CurrencyCode: "JPY", Units: 153477, Nanos: 887_661_569},
		"17.68 EUR":  {CurrencyCode: "EUR", Units: 17, Nanos: 682_441_398},
		"-1.75 USD":  usd(-1, -750_000_000),
		"8.00 USD":   usd(7, 999_999_999),
		"0.00":       nil,
	} {
		if got := money.Rounded(m); got != want {
			t.Errorf("Rounded(%v) = %q, want %q", m, got, want)
		}
	}
}

func TestDecimalIsExact(t *testing.T) {
	for want, m := range map[string]*hipstershop.Money{
		"19.99 USD":        usd(19, 990_000_000),
		"-0.000000001 USD": usd(0, -1),
		"7 USD":            usd(7, 0),
		"0":                nil,
		"1.5":              {Units: 1, Nanos: 500_000_000},
		"-4.547987616 EUR": {CurrencyCode: "EUR", Units: -4, Nanos: -547_987_616},
		"0.0000001 USD":    usd(0, 100),
	} {
		if got := money.Decimal(m); got != want {
			t.Errorf("Decimal(%v) = %q, want %q", m, got, want)
		}
	}
}
