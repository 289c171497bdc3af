package frontend

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/services/frontend/html"
)

// receiptAge is how long a confirmation can be read again.
const receiptAge = time.Hour

// cookieReceipt holds an order's confirmation, sent only to that order's page. So a confirmation
// survives a restart and any replica can show it. Forging one deceives only the forger.
const cookieReceipt = "shop_order"

// maxReceiptCookie is the size that browsers accept for one cookie (RFC 6265, section 6.1), less its attributes.
const maxReceiptCookie = 3800

// receipt is a confirmed order.
type receipt struct {
	ID       string        `json:"id"`
	Tracking string        `json:"tracking"`
	Currency string        `json:"currency"`
	Shipping amount        `json:"shipping"`
	Lines    []receiptLine `json:"lines"`
	Email    string        `json:"email"`
	Street   string        `json:"street,omitempty"`
	City     string        `json:"city,omitempty"`
	State    string        `json:"state,omitempty"`
	Zip      string        `json:"zip,omitempty"`
	Country  string        `json:"country,omitempty"`
}

type receiptLine struct {
	Product  string `json:"p"`
	Quantity int32  `json:"q"`
	Cost     amount `json:"c"` // of one
}

// amount is units and nanos of the receipt's currency.
type amount [2]int64

func amountOf(m *pb.Money) amount { return amount{m.GetUnits(), int64(m.GetNanos())} }

func (r *receipt) money(a amount) *pb.Money {
	return &pb.Money{CurrencyCode: r.Currency, Units: a[0], Nanos: int32(a[1])}
}

// newReceipt takes the address from the form, where the postal code is as it was written. Amounts are rounded to what can
// be charged, which our checkout has done already and another's may not have.
func newReceipt(o *pb.OrderResult, f orderForm) *receipt {
	r := &receipt{
		ID: o.GetOrderId(), Tracking: o.GetShippingTrackingId(), Currency: o.GetShippingCost().GetCurrencyCode(), Shipping: amountOf(roundOne(o.GetShippingCost())),
		Email: f.Email, Street: f.Street, City: f.City, State: f.State, Zip: f.Zip, Country: f.Country,
	}
	for _, item := range o.GetItems() {
		r.Lines = append(r.Lines, receiptLine{item.GetItem().GetProductId(), item.GetItem().GetQuantity(), amountOf(roundOne(item.GetCost()))})
	}
	return r
}

// total is the amount paid; nil if the receipt is not valid.
func (r *receipt) total() *pb.Money {
	sum := r.money(r.Shipping)
	for _, l := range r.Lines {
		cost, _ := money.Multiply(r.money(l.Cost), int64(l.Quantity))
		sum = plus(sum, cost)
	}
	return sum
}

func setReceiptCookie(w http.ResponseWriter, r *receipt) {
	text, err := json.Marshal(r)
	if err != nil {
		return
	}
	value := base64.RawURLEncoding.EncodeToString(text)
	if len(value) > maxReceiptCookie {
		// An order of very many lines: this replica remembers it, others cannot.
		return
	}
	setCookie(w, cookieReceipt, value, "/order/"+r.ID, receiptAge)
}

func readReceiptCookie(req *http.Request, id string) *receipt {
	for _, c := range req.CookiesNamed(cookieReceipt) {
		text, err := base64.RawURLEncoding.DecodeString(c.Value)
		if err != nil {
			continue
		}
		r := new(receipt)
		if json.Unmarshal(text, r) == nil && r.ID == id {
			return r
		}
	}
	return nil
}

// receipts are the last orders made through this replica, for browsers that keep no cookies but the
// session's.
type receipts struct {
	mu   sync.Mutex
	kept map[string]keptReceipt // by session and order id
	ring []string               // keys, oldest at next
	next int
}

type keptReceipt struct {
	*receipt
	until time.Time
}

// maxReceipts bounds the memory to about a megabyte.
const maxReceipts = 512

func newReceipts() *receipts { return &receipts{kept: map[string]keptReceipt{}} }

func (rs *receipts) keep(session string, r *receipt, now time.Time) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	key := session + "/" + r.ID
	if _, known := rs.kept[key]; !known {
		if len(rs.ring) < maxReceipts {
			rs.ring = append(rs.ring, key)
		} else {
			delete(rs.kept, rs.ring[rs.next])
			rs.ring[rs.next] = key
			rs.next = (rs.next + 1) % maxReceipts
		}
	}
	rs.kept[key] = keptReceipt{r, now.Add(receiptAge)}
}

func (rs *receipts) find(session, id string, now time.Time) *receipt {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r, ok := rs.kept[session+"/"+id]; ok && now.Before(r.until) {
		return r.receipt
	}
	return nil
}

// order shows a confirmation. Reloading it shows it again and orders nothing.
func (s *server) order(v *visit) error {
	id := v.r.PathValue("id")
	r := s.orders.find(v.session, id, s.now())
	if r == nil {
		r = readReceiptCookie(v.r, id)
	}
	if r == nil {
		return &pageError{code: http.StatusNotFound, title: "No such order here", text: "Only the person who placed an order can see it, for one hour. The confirmation was sent by e-mail."}
	}
	var wg sync.WaitGroup
	names := map[string]*pb.Product{}
	wg.Go(func() {
		// Without the catalog, lines have ids for names.
		all, _ := s.n.products(v.ctx())
		for _, p := range all {
			names[p.GetId()] = p
		}
	})
	h := s.head(v)
	wg.Wait()
	h.title, h.private = "Your order", true
	return s.respond(v, http.StatusOK, h, func(w *html.Writer) { receiptView(w, s.assets, r, names) })
}
