package loadgenerator

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
)

// Kinds of steps, as counted in the status.
const (
	taskIndex       = "index"
	taskSetCurrency = "set_currency"
	taskBrowse      = "browse_product"
	taskAddToCart   = "add_to_cart"
	taskViewCart    = "view_cart"
	taskCheckout    = "checkout"
)

func tasks() []string {
	return []string{taskIndex, taskSetCurrency, taskBrowse, taskAddToCart, taskViewCart, taskCheckout}
}

// step is one action of a visitor: a page or a form, with the pages that the browser fetches because of it.
type step struct {
	task, method, path string
	form               url.Values
}

// journey is the endless sequence of one visitor's steps. It depends only on the seed and the visitor's number.
type journey struct {
	rnd     *rand.Rand
	year    int // cards are valid from the next one on
	visitor int
	pending []step
	started bool
}

func newJourney(seed uint64, visitor, year int) *journey {
	return &journey{rnd: random(seed, uint64(visitor)+1), year: year, visitor: visitor}
}

// next returns the visitor's next step: the first page, then steps by the original's weights, of 19.
func (j *journey) next() step {
	if !j.started {
		j.started = true
		return get(taskIndex, "/")
	}
	if len(j.pending) == 0 {
		j.pending = j.task()
	}
	s := j.pending[0]
	j.pending = j.pending[1:]
	return s
}

func (j *journey) task() []step {
	switch n := j.rnd.IntN(19); {
	case n < 1:
		return []step{get(taskIndex, "/")}
	case n < 3:
		return []step{post(taskSetCurrency, "/setCurrency", url.Values{"currency_code": {pickOne(j.rnd, "EUR", "USD", "JPY", "CAD", "GBP", "TRY")}})}
	case n < 13:
		return []step{get(taskBrowse, "/product/"+j.product())}
	case n < 15:
		return j.addToCart()
	case n < 18:
		return []step{get(taskViewCart, "/cart")}
	default:
		return append(j.addToCart(), post(taskCheckout, "/cart/checkout", j.order()))
	}
}

// addToCart opens a product's page and adds some of it to the cart.
func (j *journey) addToCart() []step {
	id := j.product()
	return []step{
		get(taskBrowse, "/product/"+id),
		post(taskAddToCart, "/cart", url.Values{"product_id": {id}, "quantity": {strconv.Itoa(1 + j.rnd.IntN(10))}}),
	}
}

func (j *journey) product() string {
	return pickOne(j.rnd, "0PUK6V6EV0", "1YMWWN1N4O", "2ZYFJ3GM2N", "66VCHSJNUP", "6E92ZMYYFZ", "9SIQT8TOJO", "L9ECAV7KIM", "LS4PSXUNUM", "OLJCESPC7Z")
}

// order fills in the order form with a plausible address and a card that passes every check.
func (j *journey) order() url.Values {
	place := pickOne(j.rnd,
		[4]string{"10001", "New York", "NY", "United States"},
		[4]string{"60601", "Chicago", "IL", "United States"},
		[4]string{"94043", "Mountain View", "CA", "United States"},
		[4]string{"H2Y 1C6", "Montreal", "QC", "Canada"},
		[4]string{"SW1A 1AA", "London", "England", "United Kingdom"},
		[4]string{"01067", "Dresden", "Saxony", "Germany"},
		[4]string{"75001", "Paris", "Île-de-France", "France"},
		[4]string{"100-0001", "Chiyoda", "Tokyo", "Japan"},
	)
	street := pickOne(j.rnd, "Main Street", "Mill Lane", "Station Road", "Park Avenue", "Harbour View")
	return url.Values{
		"email":                        {fmt.Sprintf("visitor-%d@example.com", j.visitor)},
		"street_address":               {fmt.Sprintf("%d %s", 1+j.rnd.IntN(200), street)},
		"zip_code":                     {place[0]},
		"city":                         {place[1]},
		"state":                        {place[2]},
		"country":                      {place[3]},
		"credit_card_number":           {visa(j.rnd)},
		"credit_card_expiration_month": {strconv.Itoa(1 + j.rnd.IntN(12))},
		"credit_card_expiration_year":  {strconv.Itoa(j.year + 1 + j.rnd.IntN(10))},
		"credit_card_cvv":              {strconv.Itoa(100 + j.rnd.IntN(900))},
	}
}

// visa returns a number of 16 digits with the right check digit. It avoids the prefixes that some validators take for
// Visa Electron, which one in two hundred of the original's numbers has.
func visa(rnd *rand.Rand) string {
	digits := []byte(pickOne(rnd, "4485", "4532", "4539", "4556", "4716", "4929"))
	for len(digits) < 15 {
		digits = append(digits, byte('0'+rnd.IntN(10)))
	}
	sum := 0
	for i, c := range digits {
		d := int(c - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return string(append(digits, byte('0'+(10-sum%10)%10)))
}

func get(task, path string) step { return step{task, http.MethodGet, path, nil} }

func post(task, path string, form url.Values) step { return step{task, http.MethodPost, path, form} }

func pickOne[T any](rnd *rand.Rand, from ...T) T { return from[rnd.IntN(len(from))] }
