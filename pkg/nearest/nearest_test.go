package nearest

import "testing"

func TestNameSuggestsWhatWasMeant(t *testing.T) {
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
		if got := Name(typed, services); got != want {
			t.Errorf("Name(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestNamePrefersTheFirstOfEquallyCloseCandidates(t *testing.T) {
	if got := Name("cast", []string{"cart", "case"}); got != "cart" {
		t.Errorf("got %q", got)
	}
}

func TestNameHasNothingToSuggestWithoutCandidates(t *testing.T) {
	if got := Name("cart", nil); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestDistanceCountsASwapOfNeighboursAsOne(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}} {
		if got := distance([]rune(tt.a), []rune(tt.b)); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
