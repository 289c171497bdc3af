package frontend

import (
	"context"

	"golang.org/x/sync/errgroup"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

// defaultCurrency is the currency of the catalog's prices, and of pages that cannot show another.
const defaultCurrency = "USD"

// offered are the currencies that the shop's menu shows if the currency service supports them.
func offered(code string) bool {
	switch code {
	case "USD", "EUR", "CAD", "JPY", "GBP", "TRY":
		return true
	}
	return false
}

// priceKey is one conversion.
type priceKey struct {
	from  string
	units int64
	nanos int32
	to    string
}

// supportedCurrencies returns the codes that the currency service supports, in its order.
func (n *clients) supportedCurrencies(ctx context.Context) ([]string, error) {
	return n.currencies.Get(ctx, struct{}{}, func(ctx context.Context) ([]string, error) {
		resp, err := call(ctx, nameCurrency, priceTimeout, n.currency.GetSupportedCurrencies, &pb.Empty{})
		return resp.GetCurrencyCodes(), err
	})
}

// convert returns the amounts in a currency. Amounts that are in it already need no call, equal ones need one, and all
// calls are concurrent.
//
// If one conversion fails, all do: a page never mixes currencies.
func (n *clients) convert(ctx context.Context, amounts []*pb.Money, to string) ([]*pb.Money, error) {
	converted := make([]*pb.Money, len(amounts))
	missing := map[priceKey][]int{} // where each amount belongs
	for i, m := range amounts {
		if m.GetCurrencyCode() == to {
			converted[i] = m
		} else if cached, ok := n.prices.Peek(keyOf(m, to)); ok {
			converted[i] = cached
		} else {
			missing[keyOf(m, to)] = append(missing[keyOf(m, to)], i)
		}
	}
	if len(missing) == 0 {
		return converted, nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxConversions)
	for key, places := range missing {
		group.Go(func() error {
			m, err := n.prices.Get(ctx, key, func(ctx context.Context) (*pb.Money, error) {
				req := &pb.CurrencyConversionRequest{From: amounts[places[0]], ToCode: to}
				return call(ctx, nameCurrency, priceTimeout, n.currency.Convert, req)
			})
			for _, i := range places {
				converted[i] = m
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return converted, nil
}

func keyOf(m *pb.Money, to string) priceKey {
	return priceKey{m.GetCurrencyCode(), m.GetUnits(), m.GetNanos(), to}
}

// show returns amounts in USD converted to the visitor's currency, and that currency. If the currency service fails,
// it returns them unconverted, with the reason. They are rounded to what can be charged, as checkout rounds them
// before it adds up an order.
func (n *clients) show(ctx context.Context, amounts []*pb.Money, wanted string) (shown []*pb.Money, currency string, err error) {
	shown, err = n.convert(ctx, amounts, wanted)
	if err != nil {
		return roundAll(amounts), defaultCurrency, err
	}
	return roundAll(shown), wanted, nil
}

// roundAll rounds amounts. One that is not valid stays as it is; it has no sum either.
func roundAll(amounts []*pb.Money) []*pb.Money {
	rounded := make([]*pb.Money, len(amounts))
	for i, m := range amounts {
		rounded[i] = roundOne(m)
	}
	return rounded
}

func roundOne(m *pb.Money) *pb.Money {
	if r, err := money.Round(m); err == nil {
		return r
	}
	return m
}
