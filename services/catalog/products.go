package catalog

import (
	_ "embed" // the products
	"errors"
	"fmt"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

//go:embed products.json
var productsJSON []byte

// source reads the catalog's bytes.
type source func() ([]byte, error)

func embedded() ([]byte, error) { return productsJSON, nil }

func file(path string) source {
	return func() ([]byte, error) { return os.ReadFile(path) }
}

// products is one version of the catalog. It is immutable, since many calls send the same messages at once.
type products struct {
	all  *hipstershop.ListProductsResponse // in the order of the file
	byID map[string]*hipstershop.Product
	// searchable has, for each product in all, the lower-case texts that queries match.
	searchable [][]string
}

// parse reads protobuf-JSON: {"products":[{"id","name","description","picture","priceUsd","categories"}]}.
func parse(data []byte) (*products, error) {
	all := &hipstershop.ListProductsResponse{}
	if err := protojson.Unmarshal(data, all); err != nil {
		return nil, err
	}
	p := &products{
		all:        all,
		byID:       make(map[string]*hipstershop.Product, len(all.GetProducts())),
		searchable: make([][]string, 0, len(all.GetProducts())),
	}
	for i, product := range all.GetProducts() {
		if err := check(product); err != nil {
			return nil, fmt.Errorf("product %d %q: %w", i+1, product.GetId(), err)
		}
		if _, twice := p.byID[product.GetId()]; twice {
			return nil, fmt.Errorf("product %d %q: another product has this id", i+1, product.GetId())
		}
		p.byID[product.GetId()] = product
		p.searchable = append(p.searchable, searchable(product))
	}
	return p, nil
}

func check(product *hipstershop.Product) error {
	price := product.GetPriceUsd()
	switch err := money.Validate(price); {
	case product.GetId() == "":
		return errors.New("it has no id")
	case product.GetName() == "":
		return errors.New("it has no name")
	case err != nil:
		return fmt.Errorf("read price: %w", err)
	case price.GetCurrencyCode() != "USD":
		return fmt.Errorf("its price is in %s, not in USD", price.GetCurrencyCode())
	case money.Sign(price) < 0:
		return errors.New("its price is negative")
	}
	return nil
}

func searchable(product *hipstershop.Product) []string {
	texts := []string{strings.ToLower(product.GetName()), strings.ToLower(product.GetDescription())}
	for _, category := range product.GetCategories() {
		texts = append(texts, strings.ToLower(category))
	}
	return texts
}

// search returns the products whose name, description or category contains the query, ignoring case. Every product
// contains "".
func (p *products) search(query string) []*hipstershop.Product {
	query = strings.ToLower(query)
	var found []*hipstershop.Product
	for i, product := range p.all.GetProducts() {
		for _, text := range p.searchable[i] {
			if strings.Contains(text, query) {
				found = append(found, product)
				break
			}
		}
	}
	return found
}
