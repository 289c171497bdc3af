package payment

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// The brands that the shop accepts.
const (
	visa       = "visa"
	mastercard = "mastercard"
)

// refusal is why a card is declined, in the contract's words, which are sentences for the customer.
type refusal string

func (r refusal) Error() string { return string(r) }

// notACard refuses a number with an unknown prefix, length or checksum.
const notACard refusal = "Credit card info is invalid"

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// issuer is a range of the first six digits of card numbers.
type issuer struct {
	low, high int
	brand     string
	lengths   []int
}

// issuers returns the ranges in the order in which they are tried; some overlap, and the first wins. They include brands
// that the shop does not accept, so that the refusal can name them.
func issuers() []issuer {
	upTo19 := []int{16, 17, 18, 19}
	upFrom12 := []int{12, 13, 14, 15, 16, 17, 18, 19}
	return []issuer{
		{340000, 349999, "amex", []int{15}},
		{370000, 379999, "amex", []int{15}},
		{300000, 305999, "diners_club_carte_blanche", []int{14}},
		{309000, 309999, "diners_club_international", []int{14}},
		{360000, 369999, "diners_club_international", []int{14}},
		{380000, 399999, "diners_club_international", []int{14}},
		{352800, 358999, "jcb", []int{16}},
		{630400, 630499, "laser", upTo19},
		{670600, 670699, "laser", upTo19},
		{670900, 670999, "laser", upTo19},
		{677100, 677199, "laser", upTo19},
		{400000, 499999, visa, []int{13, 16, 19}},
		{510000, 559999, mastercard, []int{16}},
		{222100, 272099, mastercard, []int{16}},
		{501800, 501899, "maestro", upFrom12},
		{502000, 502099, "maestro", upFrom12},
		{503800, 503899, "maestro", upFrom12},
		{504400, 504499, "maestro", upFrom12},
		{504645, 504645, "maestro", upFrom12},
		{504817, 504817, "maestro", upFrom12},
		{504834, 504834, "maestro", upFrom12},
		{508100, 508199, "maestro", upFrom12},
		{603845, 603845, "maestro", upFrom12},
		{622000, 622099, "maestro", upFrom12},
		{675900, 675999, "maestro", upFrom12},
		{676100, 676399, "maestro", upFrom12},
		{508500, 508999, "rupay", []int{16}},
		{606985, 607984, "rupay", []int{16}},
		{608001, 608500, "rupay", []int{16}},
		{652150, 653149, "rupay", []int{16}},
		{601100, 601199, "discover", []int{16}},
		{622126, 622925, "discover", []int{16}},
		{650000, 659999, "discover", []int{16}},
	}
}

// card describes a card with a valid number.
type card struct {
	brand    string
	lastFour string
}

// inspector validates cards.
type inspector struct {
	issuers []issuer
	now     func() time.Time
}

// inspect returns the card, or the refusal. The checks and their texts are the contract's, in its order, with two more:
// months beyond 12 and missing verification values. No text has more of the number than its last four digits.
func (i inspector) inspect(in *hipstershop.CreditCardInfo) (card, error) {
	number, ok := digits(in.GetCreditCardNumber())
	if !ok || !luhn(number) {
		return card{}, notACard
	}
	c, ok := i.identify(number)
	if !ok {
		return card{}, notACard
	}
	if c.brand != visa && c.brand != mastercard {
		return card{}, refuse("Sorry, we cannot process %s credit cards. Only VISA or MasterCard is accepted.", c.brand)
	}
	month, year := int(in.GetCreditCardExpirationMonth()), int(in.GetCreditCardExpirationYear())
	if month < 1 || month > 12 {
		return card{}, refuse("Credit card expiration month is invalid: %d is not between 1 and 12", month)
	}
	// A card is valid until the end of the month on it.
	if now := i.now(); now.Year()*12+int(now.Month()) > year*12+month {
		return card{}, refuse("Your credit card (ending %s) expired on %d/%d", c.lastFour, month, year)
	}
	if cvv := in.GetCreditCardCvv(); cvv < 1 || cvv > 999 {
		return card{}, refusal("Credit card verification value is invalid: three digits are needed")
	}
	return c, nil
}

// identify finds the issuer of a number of at least 12 digits.
func (i inspector) identify(number string) (card, bool) {
	first, err := strconv.Atoi(number[:6])
	if err != nil {
		return card{}, false
	}
	for _, r := range i.issuers {
		if r.low <= first && first <= r.high {
			return card{brand: r.brand, lastFour: number[len(number)-4:]}, slices.Contains(r.lengths, len(number))
		}
	}
	return card{}, false
}

// digits returns a card number without spaces and dashes, if the rest is 12 to 19 digits.
func digits(number string) (string, bool) {
	kept := make([]byte, 0, 19)
	for _, c := range []byte(number) {
		switch {
		case c == ' ' || c == '-':
		case c < '0' || c > '9' || len(kept) == 19:
			return "", false
		default:
			kept = append(kept, c)
		}
	}
	return string(kept), len(kept) >= 12
}

// luhn reports whether the last digit is the check digit of the others (ISO/IEC 7812-1).
func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		digit := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if digit *= 2; digit > 9 {
				digit -= 9
			}
		}
		sum += digit
	}
	return sum%10 == 0
}
