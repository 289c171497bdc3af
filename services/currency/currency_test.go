package currency

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

func amount(code string, units int64, nanos int32) *hipstershop.Money {
	return &hipstershop.Money{CurrencyCode: code, Units: units, Nanos: nanos}
}

func to(t testing.TB, s *server, from *hipstershop.Money, code string) *hipstershop.Money {
	t.Helper()
	got, err := s.Convert(t.Context(), &hipstershop.CurrencyConversionRequest{From: from, ToCode: code})
	if err != nil {
		t.Fatalf("convert %s to %s: %v", money.Decimal(from), code, err)
	}
	return got
}

func TestTheThirtyThreeCurrenciesAreListedInTheOrderOfTheContract(t *testing.T) {
	client := hipstershop.NewCurrencyServiceClient(chassistest.Start(t, Setup, nil).Conn())
	got, err := client.GetSupportedCurrencies(t.Context(), &hipstershop.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "EUR USD JPY BGN CZK DKK GBP HUF PLN RON SEK CHF ISK NOK HRK RUB TRY AUD BRL CAD CNY HKD IDR ILS INR KRW MXN MYR NZD PHP SGD THB ZAR"
	if diff := cmp.Diff(want, strings.Join(got.GetCurrencyCodes(), " ")); diff != "" {
		t.Error(diff)
	}
	converted, err := client.Convert(t.Context(), &hipstershop.CurrencyConversionRequest{From: amount("USD", 19, 990_000_000), ToCode: "JPY"})
	if err != nil || money.Decimal(converted) != "2235.060592707 JPY" {
		t.Errorf("$19.99 over the wire are %v, %v", converted, err)
	}
}

// observed are results of the original, as the contract gives them.
var observed = []struct {
	from *hipstershop.Money
	want string
}{
	{amount("USD", 19, 990_000_000), "17.682441398 EUR"},
	{amount("USD", 19, 990_000_000), "2235.060592707 JPY"},
	{amount("USD", 19, 990_000_000), "15.201594869 GBP"},
	{amount("USD", 19, 990_000_000), "108.29964883 TRY"},
	{amount("USD", 19, 990_000_000), "26.749997346 CAD"},
	{amount("USD", 19, 990_000_000), "19.99 USD"},
	{amount("CHF", 300, 0), "264.084507042 EUR"},
	{amount("USD", 8, 990_000_000), "7.952233525 EUR"},
	{amount("USD", 109, 990_000_000), "12297.864661691 JPY"},
	{amount("EUR", 100, 0), "113.05 USD"},
}

func TestResultsAreTheOriginals(t *testing.T) {
	s := newServer()
	for _, o := range observed {
		_, code, _ := strings.Cut(o.want, " ")
		if got := money.Decimal(to(t, s, o.from, code)); got != o.want {
			t.Errorf("%s = %s, want %s", money.Decimal(o.from), got, o.want)
		}
	}
}

// original is the original's calculation in floating point, step by step.
func original(units int64, nanos int32, from, to float64) (float64, float64) {
	u, n := carry(float64(units)/from, float64(nanos)/from)
	n = math.Floor(n + 0.5)
	u, n = carry(u*to, n*to)
	return math.Floor(u), math.Floor(n)
}

func carry(u, n float64) (float64, float64) {
	n += math.Mod(u, 1) * 1e9
	return math.Floor(u) + math.Floor(n/1e9), math.Mod(n, 1e9)
}

func TestThePortOfTheOriginalCalculatesWhatTheOriginalDoes(t *testing.T) {
	s := newServer()
	for _, o := range observed {
		_, code, _ := strings.Cut(o.want, " ")
		u, n := original(o.from.GetUnits(), o.from.GetNanos(), float64(s.rates[o.from.GetCurrencyCode()])/rateScale, float64(s.rates[code])/rateScale)
		if got := money.Decimal(amount(code, int64(u), int32(n))); got != o.want {
			t.Errorf("%s = %s, want %s", money.Decimal(o.from), got, o.want)
		}
	}
}

// Doubles hold nanos exactly enough up to some 10^5 units of a result; where the euros lie so near to
// half a nano that doubles round them the other way, the results differ by what one nano of a euro is worth.
func TestResultsAreWithinOneNanoOfTheOriginals(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	table := rates()
	const rounds = 400_000
	nearHalf := 0
	for range rounds {
		from, to := table[random.IntN(len(table))], table[random.IntN(len(table))]
		cents := random.Int64N(1_000_000)
		units, nanos := cents/100, int32(cents%100)*10_000_000
		if from.code == to.code || float64(units)*float64(to.rate)/float64(from.rate) > 1e5 {
			continue
		}
		gotUnits, gotNanos, err := convert(units, nanos, from.rate, to.rate)
		if err != nil {
			t.Fatal(err)
		}
		u, n := original(units, nanos, float64(from.rate)/rateScale, float64(to.rate)/rateScale)
		off := math.Abs((float64(gotUnits)-u)*1e9 + float64(gotNanos) - n)
		if off <= 1 {
			continue
		}
		nearHalf++
		if off > float64(to.rate)/rateScale+1 {
			t.Fatalf("%d.%09d %s = %d.%09d %s, the original says %.0f.%09.0f", units, nanos, from.code, gotUnits, gotNanos, to.code, u, n)
		}
	}
	if nearHalf > rounds/10_000 {
		t.Errorf("%d of %d results are more than a nano off", nearHalf, rounds)
	}
}

func TestACurrencyConvertedToItselfStaysWhatItIs(t *testing.T) {
	s := newServer()
	for _, code := range s.supported.GetCurrencyCodes() {
		for cents := int64(0); cents <= 100_000; cents += 7 {
			from := amount(code, cents/100, int32(cents%100)*10_000_000)
			if got := to(t, s, from, code); got.GetUnits() != from.GetUnits() || got.GetNanos() != from.GetNanos() {
				t.Fatalf("%s became %s", money.Decimal(from), money.Decimal(got))
			}
		}
		for _, from := range []*hipstershop.Money{amount(code, math.MaxInt64, 999_999_999), amount(code, math.MinInt64, -999_999_999)} {
			if got := to(t, s, from, code); money.Decimal(got) != money.Decimal(from) {
				t.Errorf("%s became %s", money.Decimal(from), money.Decimal(got))
			}
		}
	}
}

func TestNegativeAmountsMirrorPositiveOnes(t *testing.T) {
	s := newServer()
	if got := money.Decimal(to(t, s, amount("USD", -1, -750_000_000), "EUR")); got != "-1.547987616 EUR" {
		t.Errorf("-1.75 USD = %s", got)
	}
	if got := money.Decimal(to(t, s, amount("USD", 0, -10_000_000), "JPY")); got != "-1.118089401 JPY" {
		t.Errorf("-0.01 USD = %s", got)
	}
}

func TestLargeAmountsKeepEveryDigit(t *testing.T) {
	s := newServer()
	// 2^53+1 is the first whole number that a double does not hold.
	if got := money.Decimal(to(t, s, amount("EUR", 1<<53+1, 0), "CHF")); got != "10232178353385768.048 CHF" {
		t.Errorf("2^53+1 euros = %s", got)
	}
	if got := money.Decimal(to(t, s, amount("USD", math.MaxInt64, 999_999_999), "EUR")); got != "8158666109557519511.720477664 EUR" {
		t.Errorf("the most dollars there are = %s", got)
	}
}

func TestWhatCannotBeConvertedIsAnInvalidArgument(t *testing.T) {
	s := newServer()
	for name, c := range map[string]struct {
		from *hipstershop.Money
		to   string
		want string
	}{
		"unknown source":       {amount("XXX", 1, 0), "EUR", `unsupported currency "XXX": GetSupportedCurrencies lists the 33 that are`},
		"known to ISO only":    {amount("USD", 1, 0), "AED", `unsupported currency "AED"`},
		"lower case":           {amount("usd", 1, 0), "EUR", `unsupported currency "usd"`},
		"no target":            {amount("USD", 1, 0), "", "to_code is missing"},
		"no source currency":   {amount("", 1, 0), "EUR", "it has no currency code"},
		"no amount":            {nil, "EUR", "it is missing"},
		"unknown to itself":    {amount("XXX", 1, 0), "XXX", "unsupported"},
		"too many nanos":       {amount("USD", 1, 1_000_000_000), "EUR", "nanos"},
		"too few nanos":        {amount("USD", -1, math.MinInt32), "EUR", "nanos"},
		"different signs":      {amount("USD", 1, -1), "EUR", "different signs"},
		"more than there is":   {amount("EUR", math.MaxInt64, 0), "IDR", "the result is too large"},
		"less than there is":   {amount("EUR", math.MinInt64, 0), "USD", "the result is too large"},
		"to itself, bad nanos": {amount("USD", 1, math.MaxInt32), "USD", "nanos"},
	} {
		got, err := s.Convert(t.Context(), &hipstershop.CurrencyConversionRequest{From: c.from, ToCode: c.to})
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(status.Convert(err).Message(), c.want) {
			t.Errorf("%s: %v, %v, want InvalidArgument with %q", name, got, err, c.want)
		}
	}
}

// exact is the same calculation in whole numbers of any size.
func exact(units int64, nanos int32, from, to uint64) *big.Int {
	n := new(big.Int).Mul(big.NewInt(units), big.NewInt(money.NanosPerUnit))
	n.Add(n, big.NewInt(int64(nanos)))
	sign := int64(n.Sign())
	n.Abs(n).Mul(n, big.NewInt(rateScale))
	divisor := new(big.Int).SetUint64(from)
	n.Mul(n, big.NewInt(2)).Add(n, divisor).Quo(n, divisor.Mul(divisor, big.NewInt(2))) // to the nearest, halves up
	n.Mul(n, new(big.Int).SetUint64(to)).Quo(n, big.NewInt(rateScale))
	return n.Mul(n, big.NewInt(sign))
}

func FuzzConvert(f *testing.F) {
	f.Add(int64(19), int32(990_000_000), uint8(1), uint8(2))
	f.Add(int64(-1), int32(-750_000_000), uint8(1), uint8(0))
	f.Add(int64(math.MaxInt64), int32(999_999_999), uint8(22), uint8(6))
	f.Add(int64(math.MinInt64), int32(-999_999_999), uint8(6), uint8(22))
	table := rates()
	f.Fuzz(func(t *testing.T, units int64, nanos int32, fromIndex, toIndex uint8) {
		if money.Validate(amount("USD", units, nanos)) != nil {
			return
		}
		from, to := table[int(fromIndex)%len(table)].rate, table[int(toIndex)%len(table)].rate
		want := exact(units, nanos, from, to)
		gotUnits, gotNanos, err := convert(units, nanos, from, to)
		limit := new(big.Int).Mul(big.NewInt(math.MaxInt64), big.NewInt(money.NanosPerUnit))
		limit.Add(limit, big.NewInt(money.NanosPerUnit-1))
		if want.CmpAbs(limit) > 0 {
			if err == nil {
				t.Fatalf("got %d.%09d for %v nanos, want an error", gotUnits, gotNanos, want)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := money.Validate(amount("EUR", gotUnits, gotNanos)); err != nil {
			t.Fatal(err)
		}
		got := new(big.Int).Mul(big.NewInt(gotUnits), big.NewInt(money.NanosPerUnit))
		if got.Add(got, big.NewInt(int64(gotNanos))).Cmp(want) != 0 {
			t.Fatalf("got %v nanos, want %v", got, want)
		}
	})
}

func TestArithmeticAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _, _, _ = convert(19, 990_000_000, 113050, 12640000) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkConvert(b *testing.B) {
	s := newServer()
	in := &hipstershop.CurrencyConversionRequest{From: amount("USD", 19, 990_000_000), ToCode: "JPY"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Convert(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOriginalsArithmetic(b *testing.B) {
	for b.Loop() {
		_, _ = original(19, 990_000_000, 1.1305, 126.40)
	}
}
