package money

import (
	"fmt"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// Round returns the valid amount that is nearest to m in its currency's minor units by ISO 4217, halves away from zero: what
// can be shown, and charged. Round prices before multiplying and adding them, so that the lines of a bill add up to
// its total.
func Round(m *hipstershop.Money) (*hipstershop.Money, error) {
	if err := Validate(m); err != nil {
		return nil, err
	}
	r := roundToMinor(m)
	negative := Sign(m) < 0
	if !fits(r.units, negative) {
		return nil, fmt.Errorf("round %s: %w", Decimal(m), ErrOverflow)
	}
	rounded := &hipstershop.Money{CurrencyCode: m.GetCurrencyCode(), Units: int64(r.units), Nanos: int32(r.minor * r.step)}
	if negative {
		rounded.Units, rounded.Nanos = -rounded.Units, -rounded.Nanos
	}
	return rounded, nil
}

// minorAmount is the magnitude of an amount in its currency's minor units.
type minorAmount struct {
	units, minor uint64
	step         uint64 // nanos of one minor unit
	digits       int    // of minor
}

func roundToMinor(m *hipstershop.Money) minorAmount {
	r := minorAmount{units: magnitude(m.GetUnits()), step: NanosPerUnit, digits: minorUnits(m.GetCurrencyCode())}
	for range r.digits {
		r.step /= 10
	}
	r.minor = (magnitude(int64(m.GetNanos())) + r.step/2) / r.step
	if whole := NanosPerUnit / r.step; r.minor >= whole {
		r.units, r.minor = r.units+1, r.minor-whole
	}
	return r
}

// minorUnits returns how many decimals a currency has by ISO 4217; 2 for codes that it does not know.
func minorUnits(currencyCode string) int {
	switch currencyCode {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}
