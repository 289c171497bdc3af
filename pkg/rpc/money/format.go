package money

import (
	"fmt"
	"strconv"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// Format returns an amount for people: "$19.99", "¥2235", "CHF 264.08", "-€1.55".
//
// It rounds as Round does, and shows all decimals of the result; the original cut instead and showed $0.19 for an amount one nano below $0.20. An
// amount that rounds to nothing has no minus sign.
func Format(m *hipstershop.Money) string {
	return rounded(m, symbol(m.GetCurrencyCode()))
}

// Rounded returns an amount for logs: rounded as by Format, with the code after it: "19.99 USD", "2235 JPY".
func Rounded(m *hipstershop.Money) string {
	text := rounded(m, "")
	if code := m.GetCurrencyCode(); code != "" {
		text += " " + code
	}
	return text
}

// rounded writes an amount in its currency's minor units, with symbol between the sign and the number.
func rounded(m *hipstershop.Money, symbol string) string {
	r := roundToMinor(m)
	text := make([]byte, 0, 32)
	if Sign(m) < 0 && (r.units != 0 || r.minor != 0) {
		text = append(text, '-')
	}
	text = append(text, symbol...)
	text = strconv.AppendUint(text, r.units, 10)
	if r.digits > 0 {
		text = append(text, '.')
		text = fmt.Appendf(text, "%0*d", r.digits, r.minor)
	}
	return string(text)
}

// Decimal returns an amount exactly, with its currency code: "19.99 USD", "17.682441398 EUR". It is
// meant for errors, and takes amounts that are not valid as well.
func Decimal(m *hipstershop.Money) string {
	text := make([]byte, 0, 32)
	if m.GetUnits() < 0 || m.GetNanos() < 0 {
		text = append(text, '-')
	}
	text = strconv.AppendUint(text, magnitude(m.GetUnits()), 10)
	if nanos := magnitude(int64(m.GetNanos())); nanos != 0 {
		text = fmt.Appendf(text, ".%09d", nanos)
		for text[len(text)-1] == '0' {
			text = text[:len(text)-1]
		}
	}
	if code := m.GetCurrencyCode(); code != "" {
		text = append(append(text, ' '), code...)
	}
	return string(text)
}

// symbol returns what stands before an amount of a currency: its sign where the shop knows one, else
// its code and a space, so that no two currencies look alike.
func symbol(currencyCode string) string {
	switch currencyCode {
	case "USD":
		return "$"
	case "CAD":
		return "CA$"
	case "EUR":
		return "€"
	case "GBP":
		return "£"
	case "JPY":
		return "¥"
	case "TRY":
		return "₺"
	case "":
		return ""
	}
	return currencyCode + " "
}
