package money_test

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

func usd(units int64, nanos int32) *hipstershop.Money {
	return &hipstershop.Money{CurrencyCode: "USD", Units: units, Nanos: nanos}
}

func TestValidateDistinguishesAmountsFromNonsense(t *testing.T) {
	for name, m := range map[string]*hipstershop.Money{
		"missing":               nil,
		"no currency":           {Units: 1},
		"nanos too large":       usd(1, 1_000_000_000),
		"nanos too small":       usd(-1, -1_000_000_000),
		"smallest nanos":        usd(0, math.MinInt32),
		"mixed signs":           usd(1, -1),
		"mixed signs, reversed": usd(-1, 1),
	} {
		if err := money.Validate(m); !errors.Is(err, money.ErrInvalid) {
			t.Errorf("%s: Validate(%v) = %v, want ErrInvalid", name, m, err)
		}
	}
	for _, m := range []*hipstershop.Money{
		usd(0, 0), usd(0, -1), usd(0, 1), usd(19, 990_000_000), usd(-1, -750_000_000),
		usd(math.MaxInt64, 999_999_999), usd(math.MinInt64, -999_999_999),
	} {
		if err := money.Validate(m); err != nil {
			t.Errorf("Validate(%v) = %v, want nil", m, err)
		}
	}
}

func TestAddCarriesBetweenUnitsAndNanos(t *testing.T) {
	for _, c := range []struct{ a, b, want *hipstershop.Money }{
		{usd(19, 990_000_000), usd(8, 990_000_000), usd(28, 980_000_000)},
		{usd(1, 0), usd(0, -1), usd(0, 999_999_999)},
		{usd(-1, 0), usd(0, 1), usd(0, -999_999_999)},
		{usd(2, 500_000_000), usd(-3, -750_000_000), usd(-1, -250_000_000)},
		{usd(0, 600_000_000), usd(0, -600_000_000), usd(0, 0)},
		{usd(0, -600_000_000), usd(0, -600_000_000), usd(-1, -200_000_000)},
		{usd(math.MaxInt64, 0), usd(math.MinInt64, 0), usd(-1, 0)},
		{usd(math.MaxInt64, 999_999_999), usd(-1, -999_999_999), usd(math.MaxInt64-1, 0)},
	} {
		got, err := money.Add(c.a, c.b)
		if diff := cmp.Diff(c.want, got, protocmp.Transform()); err != nil || diff != "" {
			t.Errorf("Add(%s, %s): %v\n%s", money.Decimal(c.a), money.Decimal(c.b), err, diff)
		}
	}
}

func TestNoOperationWrapsAround(t *testing.T) {
	highest, lowest := usd(math.MaxInt64, 999_999_999), usd(math.MinInt64, -999_999_999)
	_, above := money.Add(highest, usd(0, 1))
	_, below := money.Add(lowest, usd(0, -1))
	_, product := money.Multiply(usd(math.MaxInt64/2, 0), 3)
	_, carry := money.Multiply(usd(math.MaxInt64, 500_000_000), 2)
	_, flipped := money.Multiply(usd(math.MinInt64, 0), -1)
	for name, err := range map[string]error{
		"above": above, "below": below, "product": product, "carry": carry, "flipped": flipped,
	} {
		if !errors.Is(err, money.ErrOverflow) {
			t.Errorf("%s: got %v, want ErrOverflow", name, err)
		}
	}
}

func TestCurrenciesAreNeverMixed(t *testing.T) {
	eur := &hipstershop.Money{CurrencyCode: "EUR", Units: 1}
	if _, err := money.Add(usd(1, 0), eur); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("Add: got %v, want ErrCurrency", err)
	}
}

func TestOperationsRefuseInvalidAmounts(t *testing.T) {
	bad := usd(1, -1)
	for name, operate := range map[string]func() error{
		"add first":  func() error { _, err := money.Add(bad, usd(1, 0)); return err },
		"add second": func() error { _, err := money.Add(usd(1, 0), bad); return err },
		"multiply":   func() error { _, err := money.Multiply(bad, 2); return err },
		"nil":        func() error { _, err := money.Add(nil, nil); return err },
	} {
		if err := operate(); !errors.Is(err, money.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

func TestMultiplyTakesNoLongerForMoreGoods(t *testing.T) {
	// The original added in a loop: 2^32 - 1 pieces took two and a half minutes. That this returns at all is the test.
	got, err := money.Multiply(usd(0, 10_000_000), math.MaxUint32)
	if err != nil || money.Decimal(got) != "42949672.95 USD" {
		t.Fatalf("got %s, %v", money.Decimal(got), err)
	}
	if allocs := testing.AllocsPerRun(100, func() { _, _ = money.Multiply(got, 1_000_000) }); allocs > 1 {
		t.Errorf("Multiply allocates %v times, want once", allocs)
	}
}

// anyAmount draws valid amounts, with the edges of the range far more often than chance would.
func anyAmount(r *rand.Rand) *hipstershop.Money {
	edges := []int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1}
	units := r.Int64() >> r.IntN(64)
	if r.IntN(4) == 0 {
		units = edges[r.IntN(len(edges))]
	} else if r.IntN(2) == 0 {
		units = -units
	}
	nanos := r.Int32N(money.NanosPerUnit)
	switch r.IntN(4) {
	case 0:
		nanos = 0
	case 1:
		nanos = money.NanosPerUnit - 1
	}
	if units < 0 || units == 0 && r.IntN(2) == 0 {
		nanos = -nanos
	}
	return usd(units, nanos)
}

// exact is the amount in nanos.
func exact(m *hipstershop.Money) *big.Int {
	n := new(big.Int).Mul(big.NewInt(m.GetUnits()), big.NewInt(money.NanosPerUnit))
	return n.Add(n, big.NewInt(int64(m.GetNanos())))
}

// agrees checks a result against arithmetic without bounds.
func agrees(t *testing.T, got *hipstershop.Money, err error, want *big.Int) {
	t.Helper()
	fits := want.CmpAbs(exact(usd(math.MaxInt64, 999_999_999))) <= 0 ||
		want.Sign() < 0 && want.Cmp(exact(usd(math.MinInt64, -999_999_999))) >= 0
	if !fits {
		if !errors.Is(err, money.ErrOverflow) {
			t.Fatalf("got %v, %v, want ErrOverflow for %v", got, err, want)
		}
		return
	}
	if err != nil || money.Validate(got) != nil || exact(got).Cmp(want) != 0 {
		t.Fatalf("got %v, %v, want %v nanos", got, err, want)
	}
}

func TestArithmeticAgreesWithUnboundedIntegers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		a, b := anyAmount(r), anyAmount(r)
		quantity := r.Int64() >> r.IntN(64)
		if r.IntN(2) == 0 {
			quantity = -quantity
		}
		sum, err := money.Add(a, b)
		agrees(t, sum, err, new(big.Int).Add(exact(a), exact(b)))
		product, err := money.Multiply(a, quantity)
		agrees(t, product, err, new(big.Int).Mul(exact(a), big.NewInt(quantity)))
		if money.Sign(a) != exact(a).Sign() {
			t.Fatalf("Sign(%v) = %d", a, money.Sign(a))
		}
	}
}

func FuzzArithmeticNeverPanicsAndStaysExact(f *testing.F) {
	f.Add(int64(19), int32(990_000_000), int64(8), int32(990_000_000), int64(3))
	f.Add(int64(math.MinInt64), int32(-999_999_999), int64(math.MaxInt64), int32(999_999_999), int64(math.MinInt64))
	f.Add(int64(1), int32(-1), int64(0), int32(math.MinInt32), int64(-1))
	f.Fuzz(func(t *testing.T, aUnits int64, aNanos int32, bUnits int64, bNanos int32, quantity int64) {
		a, b := usd(aUnits, aNanos), usd(bUnits, bNanos)
		_, _, _ = money.Format(a), money.Decimal(a), money.Sign(b)
		valid := money.Validate(a) == nil && money.Validate(b) == nil
		sum, err := money.Add(a, b)
		if !valid {
			if !errors.Is(err, money.ErrInvalid) {
				t.Fatalf("Add(%v, %v) = %v, %v, want ErrInvalid", a, b, sum, err)
			}
			return
		}
		agrees(t, sum, err, new(big.Int).Add(exact(a), exact(b)))
		product, err := money.Multiply(a, quantity)
		agrees(t, product, err, new(big.Int).Mul(exact(a), big.NewInt(quantity)))
	})
}
