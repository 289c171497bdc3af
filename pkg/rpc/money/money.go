// Package money is exact arithmetic on hipstershop.Money.
//
// An amount is units + nanos/10^9 of one currency, units and nanos of one sign, |nanos| at most
// 999,999,999. Every operation returns a new, valid amount or an error: no sum or product is rounded, nothing
// wraps around, no two currencies are ever mixed. The cost of an operation does not depend on the
// numbers in it. Only Round rounds, and what writes an amount for people.
package money

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// NanosPerUnit is how many nanos make one unit.
const NanosPerUnit = 1_000_000_000

// What can be wrong with amounts. Returned errors wrap one of these and name the amounts.
var (
	// ErrInvalid means that an amount is missing, has no currency, nanos out of range, or units and nanos of different signs.
	ErrInvalid = errors.New("invalid amount")
	// ErrCurrency means that two amounts are of different currencies.
	ErrCurrency = errors.New("different currencies")
	// ErrOverflow means that a result's units do not fit in 64 bits.
	ErrOverflow = errors.New("amount too large")
)

// Validate returns nil when m is an amount that one can calculate with, else an error that wraps ErrInvalid.
// It does not know which currencies exist: any code that is not empty will do.
func Validate(m *hipstershop.Money) error {
	switch units, nanos := m.GetUnits(), m.GetNanos(); {
	case m == nil:
		return fmt.Errorf("%w: it is missing", ErrInvalid)
	case m.GetCurrencyCode() == "":
		return fmt.Errorf("%w: it has no currency code", ErrInvalid)
	case nanos <= -NanosPerUnit || nanos >= NanosPerUnit:
		return fmt.Errorf("%w: nanos %d are not between -999999999 and 999999999", ErrInvalid, nanos)
	case units > 0 && nanos < 0, units < 0 && nanos > 0:
		return fmt.Errorf("%w: units %d and nanos %d have different signs", ErrInvalid, units, nanos)
	}
	return nil
}

// Zero returns the amount of nothing in a currency.
func Zero(currencyCode string) *hipstershop.Money {
	return &hipstershop.Money{CurrencyCode: currencyCode}
}

// Sign returns -1, 0 or 1 for a negative, zero or positive valid amount.
func Sign(m *hipstershop.Money) int {
	if units := m.GetUnits(); units != 0 {
		return cmp.Compare(units, 0)
	}
	return cmp.Compare(m.GetNanos(), 0)
}

// Add returns a + b.
func Add(a, b *hipstershop.Money) (*hipstershop.Money, error) {
	if err := validatePair(a, b); err != nil {
		return nil, err
	}
	// Neither the sum of two valid nanos nor the carry can overflow; the units can, at either of two
	// additions, and the second may bring back what the first carried over the edge: hence 128 bits.
	nanos := int64(a.GetNanos()) + int64(b.GetNanos())
	hi, lo := add128(a.GetUnits(), b.GetUnits())
	hi, lo = addTo128(hi, lo, nanos/NanosPerUnit)
	nanos %= NanosPerUnit
	switch negative := hi < 0; {
	case negative && nanos > 0:
		hi, lo = addTo128(hi, lo, 1)
		nanos -= NanosPerUnit
	case !negative && (hi != 0 || lo != 0) && nanos < 0:
		hi, lo = addTo128(hi, lo, -1)
		nanos += NanosPerUnit
	}
	if hi != int64(lo)>>63 {
		return nil, fmt.Errorf("add %s and %s: %w", Decimal(a), Decimal(b), ErrOverflow)
	}
	return &hipstershop.Money{CurrencyCode: a.GetCurrencyCode(), Units: int64(lo), Nanos: int32(nanos)}, nil
}

// Multiply returns m * quantity, in the same time for every quantity.
func Multiply(m *hipstershop.Money, quantity int64) (*hipstershop.Money, error) {
	if err := Validate(m); err != nil {
		return nil, err
	}
	factor := magnitude(quantity)
	unitsHi, unitsLo := bits.Mul64(magnitude(m.GetUnits()), factor)
	nanosHi, nanosLo := bits.Mul64(magnitude(int64(m.GetNanos())), factor)
	// |nanos| < 10^9, so that nanosHi < 10^9 and the quotient fits.
	carry, nanos := bits.Div64(nanosHi, nanosLo, NanosPerUnit)
	units, over := bits.Add64(unitsLo, carry, 0)
	negative := Sign(m)*cmp.Compare(quantity, 0) < 0
	if unitsHi != 0 || over != 0 || !fits(units, negative) {
		return nil, fmt.Errorf("multiply %s by %d: %w", Decimal(m), quantity, ErrOverflow)
	}
	product := &hipstershop.Money{CurrencyCode: m.GetCurrencyCode(), Units: int64(units), Nanos: int32(nanos)}
	if negative {
		product.Units, product.Nanos = -product.Units, -product.Nanos
	}
	return product, nil
}

func validatePair(a, b *hipstershop.Money) error {
	if err := Validate(a); err != nil {
		return err
	}
	if err := Validate(b); err != nil {
		return err
	}
	if a.GetCurrencyCode() != b.GetCurrencyCode() {
		return fmt.Errorf("%w: %s and %s", ErrCurrency, a.GetCurrencyCode(), b.GetCurrencyCode())
	}
	return nil
}

// magnitude returns |n|, of math.MinInt64 too.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// fits reports whether the magnitude, with its sign, is an int64.
func fits(magnitude uint64, negative bool) bool {
	if negative {
		return magnitude <= 1<<63
	}
	return magnitude <= math.MaxInt64
}

// add128 returns a + b as a 128-bit two's complement number.
func add128(a, b int64) (hi int64, lo uint64) {
	return addTo128(a>>63, uint64(a), b)
}

// addTo128 returns the 128-bit number plus n.
func addTo128(hi int64, lo uint64, n int64) (int64, uint64) {
	lo, carry := bits.Add64(lo, uint64(n), 0)
	return hi + n>>63 + int64(carry), lo
}
