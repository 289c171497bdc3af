package currency

// rateScale is the integer of a rate of 1: rates have at most five decimals.
const rateScale = 100_000

// rate is the price of one euro in a currency, times rateScale. The underscores are at the decimal points.
type rate struct {
	code string
	rate uint64
}

// rates returns the currencies in the order in which they are listed to clients.
func rates() []rate {
	return []rate{
		{"EUR", 1_00000},
		{"USD", 1_13050},
		{"JPY", 126_40000},
		{"BGN", 1_95580},
		{"CZK", 25_59200},
		{"DKK", 7_46090},
		{"GBP", 85970},
		{"HUF", 315_51000},
		{"PLN", 4_29960},
		{"RON", 4_74630},
		{"SEK", 10_53750},
		{"CHF", 1_13600},
		{"ISK", 136_80000},
		{"NOK", 9_80400},
		{"HRK", 7_42100},
		{"RUB", 74_42080},
		{"TRY", 6_12470},
		{"AUD", 1_60720},
		{"BRL", 4_26820},
		{"CAD", 1_51280},
		{"CNY", 7_58570},
		{"HKD", 8_87430},
		{"IDR", 15999_40000},
		{"ILS", 4_08750},
		{"INR", 79_43200},
		{"KRW", 1275_05000},
		{"MXN", 21_79990},
		{"MYR", 4_62890},
		{"NZD", 1_66790},
		{"PHP", 59_08300},
		{"SGD", 1_53490},
		{"THB", 36_01200},
		{"ZAR", 16_05830},
	}
}
