package money_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

func TestAmountsAreRoundedToTheirCurrencysSmallestUnit(t *testing.T) {
	for _, c := range []struct {
		amount *hipstershop.Money
		want   string
	}{
		{usd(19, 990_000_000), "19.99 USD"},
		{usd(0, 5_000_000), "0.01 USD"},
		{usd(0, 4_999_999), "0 USD"},
		{usd(0, -4_999_999), "0 USD"},
		{usd(0, -5_000_000), "-0.01 USD"},
		{usd(1, 995_000_000), "2 USD"},
		{usd(-1, -995_000_000), "-2 USD"},
		{usd(math.MaxInt64, 994_999_999), "9223372036854775807.99 USD"},
		{&hipstershop.Money{CurrencyCode: "JPY", Units: 2235, Nanos: 500_000_000}, "2236 JPY"},
		{&hipstershop.Money{CurrencyCode: "JPY", Units: 2235, Nanos: 499_999_999}, "2235 JPY"},
		{&hipstershop.Money{CurrencyCode: "KWD", Units: 1, Nanos: 234_500_000}, "1.235 KWD"},
		{&hipstershop.Money{CurrencyCode: "CLF", Units: 1, Nanos: 234_549_999}, "1.2345 CLF"},
		{&hipstershop.Money{CurrencyCode: "XTS", Units: 1, Nanos: 234_549_999}, "1.23 XTS"},
	} {
		got, err := money.Round(c.amount)
		if err != nil || money.Validate(got) != nil || money.Decimal(got) != c.want {
			t.Errorf("%s becomes %v, %v, want %s", money.Decimal(c.amount), got, err, c.want)
		}
	}
}

func TestWhatCannotBeRoundedIsAnError(t *testing.T) {
	for _, m := range []*hipstershop.Money{usd(math.MaxInt64, 995_000_000), usd(math.MinInt64, -995_000_000)} {
		if got, err := money.Round(m); !errors.Is(err, money.ErrOverflow) {
			t.Errorf("%s becomes %v, %v", money.Decimal(m), got, err)
		}
	}
	for _, m := range []*hipstershop.Money{nil, usd(1, -1), {Units: 1}} {
		if got, err := money.Round(m); !errors.Is(err, money.ErrInvalid) {
			t.Errorf("%v becomes %v, %v", m, got, err)
		}
	}
}

func TestARoundedAmountIsWhatAnAmountIsShownAs(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	codes := []string{"USD", "EUR", "JPY", "KRW", "ISK", "KWD", "CLF", "XTS"}
	for range 50_000 {
		m := anyAmount(r)
		m.CurrencyCode = codes[r.IntN(len(codes))]
		rounded, err := money.Round(m)
		if err != nil {
			continue // an overflow
		}
		again, err := money.Round(rounded)
		if err != nil || money.Decimal(again) != money.Decimal(rounded) || money.Format(rounded) != money.Format(m) {
			t.Fatalf("%s is shown as %s, rounded to %s, and that to %v, %v", money.Decimal(m), money.Format(m), money.Decimal(rounded), again, err)
		}
	}
}
