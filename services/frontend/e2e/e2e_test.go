// Package e2e visits the real storefront with a real browser, in which scripts are switched off.
package e2e

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestInABrowser(t *testing.T) {
	path := findChromium(t)
	if path == "" {
		// Without a browser the same journey is walked over plain HTTP by the other tests here.
		t.Log("no chromium here: pages were not rendered")
		return
	}
	browser := startChromium(t, path)
	for name, visit := range map[string]func(*testing.T, *tab){
		"browse, search and change the currency":             browse,
		"fill the cart and empty it":                         fillAndEmpty,
		"order, and reload without ordering again":           order,
		"correct bad input":                                  badInput,
		"meet a dead payment service and try again":          deadPayment,
		"order with the keyboard alone":                      keyboard,
		"fit on a phone of 320 pixels":                       phone,
		"find everything readable in the dark":               dark,
		"meet dead dependencies and still see what is there": degraded,
	} {
		t.Run(name, func(t *testing.T) { visit(t, openTab(t, browser, openSite(t))) })
	}
}

// until waits for a condition on the page.
func until(condition string) step {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Poll[bool](condition)(ctx, t)
		return chromedp.Void{}, err
	}
}

func browse(t *testing.T, b *tab) {
	b.open("/")
	b.shows("main", "Sunglasses", "$19.99", "Salt & Pepper Shakers")
	if n := evaluate[int](b, `document.querySelectorAll(".card img").length`); n != 9 {
		t.Errorf("%d pictures", n)
	}
	b.run(chromedp.ScrollIntoView(css(".card:last-child")), until(
		`[...document.images].every(i => i.complete && i.naturalWidth > 0)`))
	b.click(`.card a[href="/product/1YMWWN1N4O"]`)
	b.shows("h1", "Watch")
	b.shows(".product", "$109.99")
	b.shows(".also", "Sunglasses")
	b.run(chromedp.SendKeys(css("#q"), "kitchen"))
	b.load(200, chromedp.Submit(css("#q")))
	b.shows("main", "Results for “kitchen”", "3 products.", "Mug")
	b.run(chromedp.SetValue(css("#currency"), "JPY"))
	b.click(".currency button")
	b.shows("main", "Results for “kitchen”", "¥899")
	if session := evaluate[string](b, `document.cookie`); session != "" {
		t.Errorf("a script could read the cookies %q", session)
	}
}

func fillAndEmpty(t *testing.T, b *tab) {
	b.open("/product/OLJCESPC7Z")
	b.run(chromedp.SetValue(css("#quantity"), "10"))
	b.click(".add button")
	b.shows(".cart", "Sunglasses", "Quantity: 10", "$199.90", "$8.99", "$208.89")
	b.shows(".badge", "10")
	b.open("/product/6E92ZMYYFZ")
	b.click(".add button")
	b.shows(".badge", "11")
	b.click(`button[aria-label="One less: Sunglasses"]`)
	b.shows(".cart", "Quantity: 9", "$179.91")
	b.click(`button[aria-label="Remove: Sunglasses"]`)
	b.shows(".cart", "Mug", "$8.99")
	b.shows(".badge", "1")
	b.click(`form[action="/cart/empty"] button`)
	b.shows("h1", "Well made")
	b.shows(".badge", "0")
	b.click(".cart-link")
	b.shows("main", "Your cart is empty")
}

func order(t *testing.T, b *tab) {
	b.open("/product/6E92ZMYYFZ")
	b.click(".add button")
	b.run(chromedp.SetValue(css("#zip_code"), "SW1A 1AA"), chromedp.SetValue(css("#city"), "London"))
	b.click(".order .button")
	b.shows("main", "Your order is complete", "order-1", "AB-12345-678", "SW1A 1AA London", "Mug", "$18.99")
	b.load(200, chromedp.Reload())
	b.shows("main", "order-1")
	if n := len(b.site.Placed()); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
}

func badInput(t *testing.T, b *tab) {
	b.open("/product/6E92ZMYYFZ")
	b.click(".add button")
	// The browser itself refuses an empty field; what it cannot judge comes back from the shop.
	b.run(chromedp.SetValue(css("#credit_card_number"), "4432801561520455"), chromedp.SetValue(css("#city"), "Elsewhere"))
	b.load(422, chromedp.Click(css(".order .button")))
	b.shows(".problems", "Card number is not valid")
	b.shows("#credit_card_number-error", "A digit is missing or wrong")
	if got := evaluate[string](b, `document.querySelector("#city").value + "|" + document.querySelector("#credit_card_number").value`); got != "Elsewhere|4432801561520455" {
		t.Errorf("kept %q", got)
	}
	// Other input that no form of the shop would send.
	b.load(422, chromedp.Evaluate[chromedp.Void](`document.querySelector("#credit_card_expiration_month").options[0].value = "13",
		document.querySelector("#credit_card_expiration_month").selectedIndex = 0,
		document.querySelector("#credit_card_number").value = "4432801561520454",
		document.querySelector("#credit_card_cvv").value = "672"`), chromedp.Click(css(".order .button")))
	b.shows(".problems", "Month is too large")
	b.run(chromedp.SetValue(css("#credit_card_number"), "4000000000000002"), chromedp.SetValue(css("#credit_card_cvv"), "672"))
	b.load(422, chromedp.Click(css(".order .button")))
	b.shows(".problems", "The card was not accepted: Your credit card (ending 0002) expired on 1/2020")
	b.run(chromedp.SetValue(css("#credit_card_number"), "4432801561520454"), chromedp.SetValue(css("#credit_card_cvv"), "672"))
	b.click(".order .button")
	b.shows("main", "Your order is complete")
	b.load(404, chromedp.Navigate(b.site.url+"/product/NOPE"))
	b.shows("main", "No such product")
}

func deadPayment(t *testing.T, b *tab) {
	b.open("/product/6E92ZMYYFZ")
	b.click(".add button")
	b.site.Kill("PaymentService")
	b.load(503, chromedp.Click(css(".order .button")))
	b.shows("main", "The payment service is not available", "UNAVAILABLE")
	if id := evaluate[string](b, `[...document.querySelectorAll(".facts code")].pop().innerText`); len(id) != 32 {
		t.Errorf("trace id %q", id)
	}
	b.site.Break("PaymentService", nil)
	b.click("main .button")
	b.shows("h1", "Your cart")
	b.click(".order .button")
	b.shows("main", "Your order is complete")
}

func keyboard(t *testing.T, b *tab) {
	b.open("/")
	b.run(chromedp.KeyEvent(kb.Tab))
	if got := evaluate[string](b, `document.activeElement.innerText`); got != "Skip to the content" {
		t.Errorf("the first stop is %q", got)
	}
	b.run(chromedp.KeyEvent(kb.Enter))
	if got := evaluate[string](b, `document.activeElement.id`); got != "main" {
		t.Errorf("skipping leads to %q", got)
	}
	b.tabTo("Sunglasses|")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.tabTo("Add to cart|")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.shows("h1", "Your cart")
	b.tabTo("Place order|")
	b.load(200, chromedp.KeyEvent(kb.Enter))
	b.shows("h1", "Your order is complete")
}

func phone(t *testing.T, b *tab) {
	b.run(chromedp.EmulateViewport(320, 640, chromedp.EmulateMobile))
	b.open("/product/LS4PSXUNUM")
	b.click(".add button")
	for _, page := range []struct {
		path string
		code int64
	}{{"/", 200}, {"/product/LS4PSXUNUM", 200}, {"/search?q=" + longWord, 200}, {"/cart", 200}, {"/nope", 404}} {
		b.load(page.code, chromedp.Navigate(b.site.url+page.path))
		b.fits(page.path)
	}
	b.open("/cart")
	b.run(chromedp.SetValue(css("#email"), "nobody"), chromedp.SetAttributeValue(css("#email"), "type", "text"))
	b.load(422, chromedp.Click(css(".order .button")))
	b.fits("a form with errors")
	b.run(chromedp.SetValue(css("#email"), "a@example.com"), chromedp.SetValue(css("#credit_card_number"), "4432801561520454"),
		chromedp.SetValue(css("#credit_card_cvv"), "672"))
	b.click(".order .button")
	b.fits("a confirmation")
}

const longWord = "averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongword"

// fits checks that nothing sticks out to the right and that what one touches is large enough.
func (b *tab) fits(page string) {
	b.t.Helper()
	if width := evaluate[int](b, `document.documentElement.scrollWidth`); width > 320 {
		b.t.Errorf("%s is %d pixels wide", page, width)
	}
	if small := evaluate[[]string](b, `[...document.querySelectorAll("button, select, input:not([type=hidden]), .button")]
		.filter(e => e.offsetHeight > 0 && e.offsetHeight < 40).map(e => e.outerHTML)`); len(small) > 0 {
		b.t.Errorf("%s: hard to touch: %v", page, small)
	}
}

// dark compares the contrast of what is read with the least that WCAG 2 asks for (AA: 4.5), in both schemes.
func dark(t *testing.T, b *tab) {
	for _, scheme := range []string{"light", "dark"} {
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		b.open("/product/6E92ZMYYFZ")
		b.click(".add button")
		for _, path := range []string{"/", "/product/6E92ZMYYFZ", "/cart"} {
			b.open(path)
			if faint := evaluate[[]string](b, contrast); len(faint) > 0 {
				t.Errorf("%s, %s: hard to read: %v", scheme, path, faint)
			}
		}
	}
}

const contrast = `(() => {
	const parse = c => c.match(/[\d.]+/g).map(Number);
	const light = c => { const [r, g, b] = parse(c).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 }); return .2126 * r + .7152 * g + .0722 * b };
	const ground = e => { for (; e; e = e.parentElement) { const s = getComputedStyle(e); if (s.backgroundImage != "none") return null; const c = s.backgroundColor; if (parse(c)[3] !== 0) return c } return "rgb(255,255,255)" };
	const faint = [];
	for (const e of document.querySelectorAll("body *")) {
		if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) || !e.offsetParent || e.closest(".hidden, .skip")) continue;
		const back = ground(e);
		if (!back) continue;
		const a = light(getComputedStyle(e).color), b = light(back);
		const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (ratio < 4.5) faint.push(e.innerText.trim() + " " + ratio.toFixed(2));
	}
	return faint;
})()`

func degraded(t *testing.T, b *tab) {
	b.site.Kill("AdService")
	b.site.Kill("RecommendationService")
	b.site.Kill("CartService")
	b.open("/")
	b.shows(".badge", "?")
	b.shows("main", "Sunglasses")
	b.load(503, chromedp.Navigate(b.site.url+"/cart"))
	b.shows("main", "The cart service is not available")
	b.site.Kill("ProductCatalogService")
	b.load(503, chromedp.Navigate(b.site.url+"/"))
	b.shows("main", "The catalog service is not available")
}
