package currency

import (
	"errors"
	"math"
	"math/bits"

	"github.com/shopctl/shopctl/pkg/rpc/money"
)

// errTooLarge is returned for an amount of more than 2^63-1 units in the other currency.
var errTooLarge = errors.New("the result is too large")

// uint128 is a whole number of up to 128 bits.
type uint128 struct{ hi, lo uint64 }

// convert converts an amount to another currency by way of euros rounded to the nearest nano, as the original does; the
// result is truncated to whole nanos. Negative amounts convert like positive ones, with the sign kept. The amount must
// be valid: |nanos| < 10^9, with the same sign as units.
//
// Nothing overflows: an amount has at most 2^93 nanos, a rate lies between 2^16 and 2^31, so that no
// product reaches 2^125.
func convert(units int64, nanos int32, from, to uint64) (int64, int32, error) {
	negative := units < 0 || nanos < 0
	amount := mul64(magnitude(units), money.NanosPerUnit).add(magnitude(int64(nanos)))

	euros, rest := amount.mul(rateScale).div(from)
	if rest >= from-rest { // a half or more: up
		euros = euros.add(1)
	}
	result, _ := euros.mul(to).div(rateScale)

	whole, fraction := result.div(money.NanosPerUnit)
	if whole.hi != 0 || whole.lo > math.MaxInt64 {
		return 0, 0, errTooLarge
	}
	units, nanos = int64(whole.lo), int32(fraction)
	if negative {
		units, nanos = -units, -nanos
	}
	return units, nanos, nil
}

func mul64(a, b uint64) uint128 {
	hi, lo := bits.Mul64(a, b)
	return uint128{hi, lo}
}

func (n uint128) add(m uint64) uint128 {
	lo, carry := bits.Add64(n.lo, m, 0)
	return uint128{n.hi + carry, lo}
}

func (n uint128) mul(m uint64) uint128 {
	hi, lo := bits.Mul64(n.lo, m)
	return uint128{n.hi*m + hi, lo}
}

func (n uint128) div(m uint64) (quotient uint128, rest uint64) {
	hi, rest := bits.Div64(0, n.hi, m)
	lo, rest := bits.Div64(rest, n.lo, m)
	return uint128{hi, lo}, rest
}

// magnitude returns |n|, also for math.MinInt64.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
