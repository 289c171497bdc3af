package suggest

import "testing"

func TestMatchSuggestsWhatWasMeant(t *testing.T) {
	services := []string{"ad", "cart", "catalog", "checkout", "currency", "email", "frontend", "payment", "shipping"}
	for typed, want := range map[string]string{
		"catalgo":  "catalog",
		"CATALOG":  "catalog",
		"payments": "payment",
		"paymnet":  "payment",
		"crat":     "cart",
		"ship":     "shipping",
		"zebra":    "",
		"":         "",
	} {
		if got := Match(typed, services); got != want {
			t.Errorf("Match(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestMatchPrefersTheFirstOfEquallyCloseCandidates(t *testing.T) {
	if got := Match("cast", []string{"cart", "case"}); got != "cart" {
		t.Errorf("got %q", got)
	}
}

func TestMatchHasNothingToSuggestWithoutCandidates(t *testing.T) {
	if got := Match("cart", nil); got != "" {
		t.Errorf("got %q", got)
	}
}
