package suggest

import (
	"testing"
	"testing/quick"

	"github.com/google/go-cmp/cmp"
)

func TestTheWordMeantIsFound(t *testing.T) {
	services := []string{"paymentservice", "shippingservice", "cartservice", "adservice"}
	for _, tc := range []struct {
		word       string
		candidates []string
		want       string
	}{
		{"payment-service", services, "paymentservice"},
		{"payment", services, "paymentservice"},
		{"PaymentServcie", services, "paymentservice"},
		{"replica", []string{"replicas", "template", "selector"}, "replicas"},
		{"imagePullpolicy", []string{"image", "imagePullPolicy"}, "imagePullPolicy"},
		{"zzz", services, ""},
		{"", services, ""},
		{"x", []string{"y"}, ""},
		{"prot", []string{"port", "name"}, "port"},
	} {
		if got := Match(tc.word, tc.candidates); got != tc.want {
			t.Errorf("Match(%q) = %q, want %q", tc.word, got, tc.want)
		}
	}
}

func TestTheClosestComesFirstAndEqualOnesInAlphabeticalOrder(t *testing.T) {
	got := Matches("port", []string{"sport", "ports", "part", "nodePort", "other"}, 3)
	if diff := cmp.Diff([]string{"part", "ports", "sport"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAPartOfAWordIsNotATypo(t *testing.T) {
	kinds := []string{"Service", "Secret", "Deployment"}
	if got := Typo("VirtualService", kinds); got != "" {
		t.Error(got)
	}
	if got := Typo("Deploymnet", kinds); got != "Deployment" {
		t.Error(got)
	}
}

func TestThereIsASuggestionOnlyIfSomethingIsNear(t *testing.T) {
	if got := Phrase("nmae", []string{"name"}); got != `; did you mean "name"?` {
		t.Error(got)
	}
	if got := Phrase("nmae", nil); got != "" {
		t.Error(got)
	}
}

func TestDistanceIsSymmetricAndZeroOnlyForEqualWords(t *testing.T) {
	property := func(a, b string) bool {
		d := distance(a, b)
		return d == distance(b, a) && (d == 0) == (a == b) && d <= max(len(a), len(b))
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
}
