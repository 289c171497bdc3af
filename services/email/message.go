package email

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

const (
	greeting = "Thank you for your order."
	footer   = "You get this mail because this address was given with an order in a demonstration shop. No money was taken and no parcel is on its way."
)

// content is the content of a mail.
type content struct {
	subject, text, html string
}

// line is one row of the bill.
type line struct {
	what   string
	amount string
}

// confirmation writes the mail of an order. It fails if the order's amounts cannot be added up.
func confirmation(order *hipstershop.OrderResult) (content, error) {
	lines, err := bill(order)
	if err != nil {
		return content{}, err
	}
	subject := "Your order " + headerText(order.GetOrderId())
	address := addressLines(order.GetShippingAddress())
	return content{
		subject: subject,
		text:    renderText(order, address, lines),
		html:    renderHTML(subject, order, address, lines),
	}, nil
}

// bill lists the items, the shipping and the total. An order without a shipping cost has no such line. Prices are rounded
// to what can be charged, which our checkout has done already and another's may not have.
func bill(order *hipstershop.OrderResult) ([]line, error) {
	var lines []line
	var total *hipstershop.Money
	add := func(what string, amount *hipstershop.Money) (err error) {
		lines = append(lines, line{what, money.Format(amount)})
		if total == nil {
			total = amount
			return nil
		}
		total, err = money.Add(total, amount)
		return err
	}
	for i, ordered := range order.GetItems() {
		quantity, product := ordered.GetItem().GetQuantity(), ordered.GetItem().GetProductId()
		price, err := money.Round(ordered.GetCost())
		var cost *hipstershop.Money
		if err == nil {
			cost, err = money.Multiply(price, int64(quantity))
		}
		if err == nil {
			err = add(fmt.Sprintf("%d x %s at %s", quantity, product, money.Format(price)), cost)
		}
		if err != nil {
			return nil, fmt.Errorf("add up item %d of the order: %w", i+1, err)
		}
	}
	if order.GetShippingCost() != nil {
		shipping, err := money.Round(order.GetShippingCost())
		if err == nil {
			err = add("Shipping", shipping)
		}
		if err != nil {
			return nil, fmt.Errorf("add up the shipping of the order: %w", err)
		}
	}
	if total == nil {
		return nil, errors.New("order has neither items nor a shipping cost")
	}
	return append(lines, line{"Total", money.Format(total)}), nil
}

func addressLines(a *hipstershop.Address) []string {
	town := a.GetCity()
	if a.GetState() != "" {
		town = join(", ", town, a.GetState())
	}
	var lines []string
	for _, l := range []string{a.GetStreetAddress(), join(" ", town, postcode(a)), a.GetCountry()} {
		if l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

// postcode formats the contract's number as its country does: in the United States, leading zeros are part of the
// code.
func postcode(a *hipstershop.Address) string {
	switch code := a.GetZipCode(); {
	case code == 0:
		return ""
	case a.GetCountry() == "United States" || a.GetCountry() == "USA" || a.GetCountry() == "US":
		return fmt.Sprintf("%05d", code)
	default:
		return fmt.Sprint(code)
	}
}

func join(separator, a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + separator + b
}

// headerText removes line breaks, so that a client cannot start another header.
func headerText(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}

func renderText(order *hipstershop.OrderResult, address []string, lines []line) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nOrder     %s\n", greeting, order.GetOrderId())
	if id := order.GetShippingTrackingId(); id != "" {
		fmt.Fprintf(&b, "Tracking  %s\n", id)
	}
	if len(address) > 0 {
		b.WriteString("\nShips to\n")
		for _, l := range address {
			fmt.Fprintf(&b, "  %s\n", l)
		}
	}
	what, amount := 0, 0
	for _, l := range lines {
		what, amount = max(what, utf8.RuneCountInString(l.what)), max(amount, utf8.RuneCountInString(l.amount))
	}
	b.WriteByte('\n')
	for _, l := range lines {
		fmt.Fprintf(&b, "%-*s  %*s\n", what, l.what, amount, l.amount)
	}
	fmt.Fprintf(&b, "\n%s\n", footer)
	return b.String()
}

func renderHTML(title string, order *hipstershop.OrderResult, address []string, lines []line) string {
	const small = "color:#5f6368;font-size:13px"
	facts := []node{text("Order "), el("strong", "", text(order.GetOrderId()))}
	if id := order.GetShippingTrackingId(); id != "" {
		facts = append(facts, br{}, text("Tracking "), el("strong", "", text(id)))
	}
	main := el("main", "max-width:560px;margin:0 auto;padding:24px;background:#ffffff",
		el("h1", "font-size:22px;margin:0 0 16px", text(greeting)),
		el("p", "", facts...))
	if len(address) > 0 {
		where := []node{el("span", small, text("Ships to"))}
		for _, l := range address {
			where = append(where, br{}, text(l))
		}
		main.children = append(main.children, el("p", "", where...))
	}
	var rows []node
	for i, l := range lines {
		cell := "padding:8px 0;border-top:1px solid #dadce0"
		if i == len(lines)-1 {
			cell += ";font-weight:bold"
		}
		rows = append(rows, el("tr", "", el("td", cell, text(l.what)), el("td", cell+";text-align:right;white-space:nowrap", text(l.amount))))
	}
	main.children = append(main.children,
		el("table", "width:100%;border-collapse:collapse", el("tbody", "", rows...)),
		el("p", small, text(footer)))
	return page(title, el("body", "margin:0;background:#f1f3f4;color:#202124;font-family:system-ui,sans-serif;font-size:16px;line-height:1.5", main))
}
