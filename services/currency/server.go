package currency

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

type server struct {
	hipstershop.UnimplementedCurrencyServiceServer
	supported *hipstershop.GetSupportedCurrenciesResponse
	rates     map[string]uint64
}

func newServer() *server {
	table := rates()
	s := &server{supported: &hipstershop.GetSupportedCurrenciesResponse{}, rates: make(map[string]uint64, len(table))}
	for _, r := range table {
		s.supported.CurrencyCodes = append(s.supported.CurrencyCodes, r.code)
		s.rates[r.code] = r.rate
	}
	return s
}

func (s *server) GetSupportedCurrencies(context.Context, *hipstershop.Empty) (*hipstershop.GetSupportedCurrenciesResponse, error) {
	return s.supported, nil
}

// Convert returns the amount in another currency. Currency codes are upper case, as in ISO 4217.
func (s *server) Convert(_ context.Context, in *hipstershop.CurrencyConversionRequest) (*hipstershop.Money, error) {
	from := in.GetFrom()
	if err := money.Validate(from); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	fromRate, err := s.rate(from.GetCurrencyCode())
	if err != nil {
		return nil, err
	}
	toRate, err := s.rate(in.GetToCode())
	if err != nil {
		return nil, err
	}
	if from.GetCurrencyCode() == in.GetToCode() {
		return from, nil
	}
	units, nanos, err := convert(from.GetUnits(), from.GetNanos(), fromRate, toRate)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "convert %s to %s: %v", money.Decimal(from), in.GetToCode(), err)
	}
	return &hipstershop.Money{CurrencyCode: in.GetToCode(), Units: units, Nanos: nanos}, nil
}

func (s *server) rate(code string) (uint64, error) {
	r, ok := s.rates[code]
	switch {
	case ok:
		return r, nil
	case code == "":
		return 0, status.Error(codes.InvalidArgument, "to_code is missing: which currency to convert to")
	}
	return 0, status.Errorf(codes.InvalidArgument, "unsupported currency %q: GetSupportedCurrencies lists the %d that are", code, len(s.rates))
}
