package probe

import "testing"

func TestAPathIsFollowedInBothSpellings(t *testing.T) {
	v := map[string]any{"products": []any{map[string]any{"priceUsd": map[string]any{"units": "19"}}}}
	if got, ok := Find(v, "products[0].price_usd.units"); !ok || got != "19" {
		t.Errorf("Find = %v, %v", got, ok)
	}
	for _, path := range []string{"products[1]", "products.x", "nothing", "products[0].priceUsd.units.more"} {
		if got, ok := Find(v, path); ok {
			t.Errorf("Find(%q) = %v", path, got)
		}
	}
}
