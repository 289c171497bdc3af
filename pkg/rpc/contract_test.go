// Package rpc_test pins the wire contract: what is on the wire must never change by accident.
package rpc_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// contract is the whole of package hipstershop: a service and its methods, or a message and its fields.
const contract = `
service AdService: GetAds(AdRequest) AdResponse
service CartService: AddItem(AddItemRequest) Empty; GetCart(GetCartRequest) Cart; EmptyCart(EmptyCartRequest) Empty
service CheckoutService: PlaceOrder(PlaceOrderRequest) PlaceOrderResponse
service CurrencyService: GetSupportedCurrencies(Empty) GetSupportedCurrenciesResponse; Convert(CurrencyConversionRequest) Money
service EmailService: SendOrderConfirmation(SendOrderConfirmationRequest) Empty
service PaymentService: Charge(ChargeRequest) ChargeResponse
service ProductCatalogService: ListProducts(Empty) ListProductsResponse; GetProduct(GetProductRequest) Product; SearchProducts(SearchProductsRequest) SearchProductsResponse
service RecommendationService: ListRecommendations(ListRecommendationsRequest) ListRecommendationsResponse
service ShippingService: GetQuote(GetQuoteRequest) GetQuoteResponse; ShipOrder(ShipOrderRequest) ShipOrderResponse
message Ad: 1 string redirect_url; 2 string text
message AdRequest: 1 repeated string context_keys
message AdResponse: 1 repeated Ad ads
message AddItemRequest: 1 string user_id; 2 CartItem item
message Address: 1 string street_address; 2 string city; 3 string state; 4 string country; 5 int32 zip_code
message Cart: 1 string user_id; 2 repeated CartItem items
message CartItem: 1 string product_id; 2 int32 quantity
message ChargeRequest: 1 Money amount; 2 CreditCardInfo credit_card
message ChargeResponse: 1 string transaction_id
message CreditCardInfo: 1 string credit_card_number; 2 int32 credit_card_cvv; 3 int32 credit_card_expiration_year; 4 int32 credit_card_expiration_month
message CurrencyConversionRequest: 1 Money from; 2 string to_code
message Empty:
message EmptyCartRequest: 1 string user_id
message GetCartRequest: 1 string user_id
message GetProductRequest: 1 string id
message GetQuoteRequest: 1 Address address; 2 repeated CartItem items
message GetQuoteResponse: 1 Money cost_usd
message GetSupportedCurrenciesResponse: 1 repeated string currency_codes
message ListProductsResponse: 1 repeated Product products
message ListRecommendationsRequest: 1 string user_id; 2 repeated string product_ids
message ListRecommendationsResponse: 1 repeated string product_ids
message Money: 1 string currency_code; 2 int64 units; 3 int32 nanos
message OrderItem: 1 CartItem item; 2 Money cost
message OrderResult: 1 string order_id; 2 string shipping_tracking_id; 3 Money shipping_cost; 4 Address shipping_address; 5 repeated OrderItem items
message PlaceOrderRequest: 1 string user_id; 2 string user_currency; 3 Address address; 5 string email; 6 CreditCardInfo credit_card
message PlaceOrderResponse: 1 OrderResult order
message Product: 1 string id; 2 string name; 3 string description; 4 string picture; 5 Money price_usd; 6 repeated string categories
message SearchProductsRequest: 1 string query
message SearchProductsResponse: 1 repeated Product results
message SendOrderConfirmationRequest: 1 string email; 2 OrderResult order
message ShipOrderRequest: 1 Address address; 2 repeated CartItem items
message ShipOrderResponse: 1 string tracking_id
`

func TestTheWireIsTheContractToTheFieldNumber(t *testing.T) {
	file := hipstershop.File_hipstershop_hipstershop_proto
	if file.Package() != "hipstershop" || file.Syntax() != protoreflect.Proto3 {
		t.Errorf("package %s in %v", file.Package(), file.Syntax())
	}
	if file.Enums().Len()+file.Extensions().Len() != 0 {
		t.Error("the contract has neither enums nor extensions")
	}
	var lines []string
	for i := range file.Services().Len() {
		lines = append(lines, describeService(file.Services().Get(i)))
	}
	for i := range file.Messages().Len() {
		lines = append(lines, describeMessage(file.Messages().Get(i)))
	}
	slices.SortFunc(lines, func(a, b string) int {
		// Services first, as above.
		if c := -strings.Compare(a[:7], b[:7]); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	want := strings.Split(strings.TrimSpace(contract), "\n")
	for _, line := range lines {
		if !slices.Contains(want, line) {
			t.Errorf("not the contract: %s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(lines, line) {
			t.Errorf("missing: %s", line)
		}
	}
}

func TestServicesAreRegisteredUnderTheContractsNames(t *testing.T) {
	for want, desc := range map[string]*grpc.ServiceDesc{
		"hipstershop.AdService":             &hipstershop.AdService_ServiceDesc,
		"hipstershop.CartService":           &hipstershop.CartService_ServiceDesc,
		"hipstershop.CheckoutService":       &hipstershop.CheckoutService_ServiceDesc,
		"hipstershop.CurrencyService":       &hipstershop.CurrencyService_ServiceDesc,
		"hipstershop.EmailService":          &hipstershop.EmailService_ServiceDesc,
		"hipstershop.PaymentService":        &hipstershop.PaymentService_ServiceDesc,
		"hipstershop.ProductCatalogService": &hipstershop.ProductCatalogService_ServiceDesc,
		"hipstershop.RecommendationService": &hipstershop.RecommendationService_ServiceDesc,
		"hipstershop.ShippingService":       &hipstershop.ShippingService_ServiceDesc,
	} {
		if desc.ServiceName != want || len(desc.Streams) != 0 {
			t.Errorf("%s is registered as %s with %d streams", want, desc.ServiceName, len(desc.Streams))
		}
	}
}

func describeService(s protoreflect.ServiceDescriptor) string {
	methods := make([]string, s.Methods().Len())
	for i := range methods {
		m := s.Methods().Get(i)
		methods[i] = fmt.Sprintf("%s(%s%s) %s%s", m.Name(), stream(m.IsStreamingClient()), m.Input().Name(), stream(m.IsStreamingServer()), m.Output().Name())
	}
	return fmt.Sprintf("service %s: %s", s.Name(), strings.Join(methods, "; "))
}

func stream(is bool) string {
	if is {
		return "stream "
	}
	return ""
}

// describeMessage writes a message without its nested types, of which the contract has none.
func describeMessage(m protoreflect.MessageDescriptor) string {
	fields := make([]string, m.Fields().Len())
	for i := range fields {
		f := m.Fields().Get(i)
		kind := f.Kind().String()
		if f.Message() != nil {
			kind = string(f.Message().Name())
		}
		if f.Cardinality() == protoreflect.Repeated {
			kind = "repeated " + kind
		}
		fields[i] = fmt.Sprintf("%d %s %s", f.Number(), kind, f.Name())
	}
	return strings.TrimSpace(fmt.Sprintf("message %s: %s", m.Name(), strings.Join(fields, "; ")))
}
