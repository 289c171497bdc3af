package payment

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// today is the last second of a month.
func today() time.Time { return time.Date(2030, time.June, 30, 23, 59, 59, 0, time.UTC) }

func inspectorAt(now func() time.Time) inspector { return inspector{issuers: issuers(), now: now} }

func cardOf(number string) *hipstershop.CreditCardInfo {
	return &hipstershop.CreditCardInfo{CreditCardNumber: number, CreditCardCvv: 672, CreditCardExpirationYear: 2031, CreditCardExpirationMonth: 1}
}

// withCheckDigit pads a prefix with zeros and ends it so that Luhn is content.
func withCheckDigit(prefix string, length int) string {
	number := []byte(prefix)
	for len(number) < length {
		number = append(number, '0')
	}
	for d := byte('0'); d <= '9'; d++ {
		number[length-1] = d
		if luhn(string(number)) {
			break
		}
	}
	return string(number)
}

func unaccepted(brand string) string {
	return "Sorry, we cannot process " + brand + " credit cards. Only VISA or MasterCard is accepted."
}

func TestCardNumbersAreCheckedAsTheContractSays(t *testing.T) {
	const invalid = "Credit card info is invalid"
	for number, want := range map[string]string{
		"4432801561520454":    "",
		"4432-8015-6152-0454": "",
		"4432 8015 6152 0454": "",
		"5555555555554444":    "",
		"4111111111111111":    "",
		"":                    invalid,
		"4432801561520455":    invalid, // checksum
		"443280156152045":     invalid, // length
		"4432801561520454x":   invalid,
		"４４３２８０１５６１５２０４５４": invalid, // digits, but not ours
		"9999999999999995":           invalid, // of no issuer
		"00000000000000000000000000": invalid,
		"0":                          invalid,
		" - ":                        invalid,
		"378282246310005":            unaccepted("amex"),
		"30569309025904":             unaccepted("diners_club_carte_blanche"),
		"38520000023237":             unaccepted("diners_club_international"),
		withCheckDigit("3095", 14):   unaccepted("diners_club_international"),
		"3530111333300000":           unaccepted("jcb"),
		withCheckDigit("6304", 16):   unaccepted("laser"),
		withCheckDigit("6304", 12):   invalid, // laser's lengths, as laser comes first
		withCheckDigit("6759", 12):   unaccepted("maestro"),
		withCheckDigit("6220", 19):   unaccepted("maestro"),
		withCheckDigit("508500", 16): unaccepted("rupay"),
		withCheckDigit("652150", 16): unaccepted("rupay"),
		"6011111111111117":           unaccepted("discover"),
		withCheckDigit("622126", 16): unaccepted("discover"),
		withCheckDigit("65", 16):     unaccepted("discover"),
		withCheckDigit("220", 16):    invalid,
		withCheckDigit("37", 16):     invalid,
		withCheckDigit("4", 12):      invalid,
		withCheckDigit("51", 19):     invalid,
	} {
		_, err := inspectorAt(today).inspect(cardOf(number))
		if got := message(err); got != want {
			t.Errorf("card %s: %q, want %q", number, got, want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestMastercardsTwoSeriesIsTaken(t *testing.T) {
	for _, prefix := range []string{"222100", "223000", "250000", "271999", "272099"} {
		if c, err := inspectorAt(today).inspect(cardOf(withCheckDigit(prefix, 16))); err != nil || c.brand != mastercard {
			t.Errorf("%s...: %v, %v", prefix, c, err)
		}
	}
	for _, prefix := range []string{"222099", "272100"} {
		if _, err := inspectorAt(today).inspect(cardOf(withCheckDigit(prefix, 16))); err == nil {
			t.Errorf("%s... is taken", prefix)
		}
	}
}

func TestEveryVisaNumberOf13And16And19DigitsIsTaken(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 16))
	check := func(number string) {
		t.Helper()
		if c, err := inspectorAt(today).inspect(cardOf(number)); err != nil || c.brand != visa {
			t.Errorf("%s: %v, %v", number, c, err)
		}
	}
	for _, length := range []int{13, 16, 19} {
		for _, prefix := range []string{"4026", "417500", "4508", "4844", "4913", "4917"} {
			check(withCheckDigit(prefix, length))
		}
		for range 2000 {
			prefix := []byte{'4'}
			for len(prefix) < length-1 {
				prefix = append(prefix, '0'+byte(random.IntN(10)))
			}
			check(withCheckDigit(string(prefix), length))
		}
	}
}

func TestACardIsGoodUntilTheEndOfItsMonth(t *testing.T) {
	for _, c := range []struct {
		number      string
		month, year int32
		want        string
	}{
		{"4432801561520454", 6, 2030, ""},
		{"4432801561520454", 1, 2031, ""},
		{"4432801561520454", 5, 2030, "Your credit card (ending 0454) expired on 5/2030"},
		{"4432-8015-6152-0454", 1, 2020, "Your credit card (ending 0454) expired on 1/2020"},
		{"4432 8015 6152 04 54", 12, 2029, "Your credit card (ending 0454) expired on 12/2029"},
		{"4432801561520454", 1, -2147483648, "Your credit card (ending 0454) expired on 1/-2147483648"},
		{"4432801561520454", 12, 2147483647, ""},
	} {
		in := cardOf(c.number)
		in.CreditCardExpirationMonth, in.CreditCardExpirationYear = c.month, c.year
		if _, err := inspectorAt(today).inspect(in); message(err) != c.want {
			t.Errorf("%d/%d: %q, want %q", c.month, c.year, message(err), c.want)
		}
	}
}

func TestThereAreTwelveMonths(t *testing.T) {
	for month, want := range map[int32]string{
		-1: "Credit card expiration month is invalid: -1 is not between 1 and 12",
		0:  "Credit card expiration month is invalid: 0 is not between 1 and 12",
		1:  "",
		12: "",
		13: "Credit card expiration month is invalid: 13 is not between 1 and 12",
	} {
		in := cardOf("4432801561520454")
		in.CreditCardExpirationMonth = month
		if _, err := inspectorAt(today).inspect(in); message(err) != want {
			t.Errorf("month %d: %q, want %q", month, message(err), want)
		}
	}
}

func TestAVerificationValueIsNeeded(t *testing.T) {
	for cvv, good := range map[int32]bool{-1: false, 0: false, 1: true, 999: true, 1000: false} {
		in := cardOf("4432801561520454")
		in.CreditCardCvv = cvv
		if _, err := inspectorAt(today).inspect(in); (err == nil) != good {
			t.Errorf("verification value %d: %v", cvv, err)
		}
	}
}
