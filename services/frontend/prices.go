package frontend

import (
	"context"

	"golang.org/x/sync/errgroup"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// defaultCurrency is what the catalogue is priced in, and what is shown when nothing else can be.
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

// currencies returns the codes that the currency service supports, in its order. They are asked for
// every half a minute at most.
func (n *neighbours) currencies(ctx context.Context) ([]string, error) {
	return n.list.get(ctx, struct{}{}, func(ctx context.Context) ([]string, error) {
		resp, err := ask(ctx, hopCurrency, pricePatience, n.currency.GetSupportedCurrencies, &pb.Empty{})
		return resp.GetCurrencyCodes(), err
	})
}

// convert returns the amounts in a currency. An amount that is in it already needs no call; a
// conversion made less than a second ago is used again, because a page of nine products would
// otherwise make nine calls each time. The rest goes out at the same time.
//
// If one conversion fails, none counts: a page never mixes currencies.
func (n *neighbours) convert(ctx context.Context, amounts []*pb.Money, to string) ([]*pb.Money, error) {
	converted := make([]*pb.Money, len(amounts))
	var missing []int
	for i, m := range amounts {
		if m.GetCurrencyCode() == to {
			converted[i] = m
		} else if known, ok := n.prices.peek(keyOf(m, to)); ok {
			converted[i] = known
		} else {
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return converted, nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxConcurrency)
	for _, i := range missing {
		group.Go(func() error {
			m, err := n.prices.get(ctx, keyOf(amounts[i], to), func(ctx context.Context) (*pb.Money, error) {
				return ask(ctx, hopCurrency, pricePatience, n.currency.Convert, &pb.CurrencyConversionRequest{From: amounts[i], ToCode: to})
			})
			converted[i] = m
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

// show returns the amounts, which are in USD, in the visitor's currency, and which currency that is.
// When the currency service fails they come back as they are, with the reason.
func (n *neighbours) show(ctx context.Context, amounts []*pb.Money, wanted string) (shown []*pb.Money, currency string, err error) {
	shown, err = n.convert(ctx, amounts, wanted)
	if err != nil {
		return amounts, defaultCurrency, err
	}
	return shown, wanted, nil
}
