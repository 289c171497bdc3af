package ad

import "github.com/shopctl/shopctl/pkg/rpc/hipstershop"

// campaign is one ad and the category of products that it is shown with.
type campaign struct {
	category string
	ad       *hipstershop.Ad
}

func campaigns() []campaign {
	return []campaign{
		{"clothing", offer("66VCHSJNUP", "Tank top for sale. 20% off.")},
		{"accessories", offer("1YMWWN1N4O", "Watch for sale. Buy one, get second kit for free")},
		{"footwear", offer("L9ECAV7KIM", "Loafers for sale. Buy one, get second one for free")},
		{"hair", offer("2ZYFJ3GM2N", "Hairdryer for sale. 50% off.")},
		{"decor", offer("0PUK6V6EV0", "Candle holder for sale. 30% off.")},
		{"kitchen", offer("9SIQT8TOJO", "Bamboo glass jar for sale. 10% off.")},
		{"kitchen", offer("6E92ZMYYFZ", "Mug for sale. Buy two, get third one for free")},
	}
}

func offer(productID, text string) *hipstershop.Ad {
	return &hipstershop.Ad{RedirectUrl: "/product/" + productID, Text: text}
}
