package ad

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func TestAKeyBringsAllAdsOfItsCategory(t *testing.T) {
	client := hipstershop.NewAdServiceClient(chassistest.Start(t, Setup, nil).Conn())
	for keys, want := range map[string]string{
		"clothing":         "/product/66VCHSJNUP Tank top for sale. 20% off.",
		"accessories":      "/product/1YMWWN1N4O Watch for sale. Buy one, get second kit for free",
		"footwear":         "/product/L9ECAV7KIM Loafers for sale. Buy one, get second one for free",
		"hair":             "/product/2ZYFJ3GM2N Hairdryer for sale. 50% off.",
		"decor":            "/product/0PUK6V6EV0 Candle holder for sale. 30% off.",
		"kitchen":          "/product/9SIQT8TOJO Bamboo glass jar for sale. 10% off.\n/product/6E92ZMYYFZ Mug for sale. Buy two, get third one for free",
		"hair beauty":      "/product/2ZYFJ3GM2N Hairdryer for sale. 50% off.",
		"decor hair decor": "/product/0PUK6V6EV0 Candle holder for sale. 30% off.\n/product/2ZYFJ3GM2N Hairdryer for sale. 50% off.",
	} {
		got, err := client.GetAds(t.Context(), &hipstershop.AdRequest{ContextKeys: strings.Fields(keys)})
		if err != nil {
			t.Fatal(err)
		}
		var ads []string
		for _, a := range got.GetAds() {
			ads = append(ads, a.GetRedirectUrl()+" "+a.GetText())
		}
		if diff := cmp.Diff(want, strings.Join(ads, "\n")); diff != "" {
			t.Errorf("keys %s: %s", keys, diff)
		}
	}
}

func TestWithoutAMatchTwoDifferentAdsAreDrawn(t *testing.T) {
	s := newServer(campaigns(), rand.New(rand.NewPCG(3, 4)).IntN)
	drawn := map[string]bool{}
	for range 500 {
		for _, keys := range [][]string{nil, {"tops"}, {"beauty", "home", ""}} {
			got, err := s.GetAds(t.Context(), &hipstershop.AdRequest{ContextKeys: keys})
			if err != nil || len(got.GetAds()) != 2 || got.GetAds()[0] == got.GetAds()[1] {
				t.Fatalf("keys %v: %v, %v, want two different ads", keys, got.GetAds(), err)
			}
			drawn[got.GetAds()[0].GetText()] = true
		}
	}
	if len(drawn) != len(campaigns()) {
		t.Errorf("%d of %d ads were ever drawn first", len(drawn), len(campaigns()))
	}
}

func TestTooFewAdsAreNoPanic(t *testing.T) {
	for _, all := range [][]campaign{nil, campaigns()[:1]} {
		got, err := newServer(all, rand.IntN).GetAds(t.Context(), &hipstershop.AdRequest{})
		if err != nil || len(got.GetAds()) != len(all) {
			t.Errorf("of %d ads: %v, %v", len(all), got.GetAds(), err)
		}
	}
}
