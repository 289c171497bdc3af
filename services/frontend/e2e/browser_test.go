package e2e

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience turns a hang into a failure; nothing waits for it.
const patience = 60 * time.Second

// findChromium returns the browser, or "" where there is none. In CI its absence is a failure.
func findChromium(t *testing.T) string {
	t.Helper()
	candidates := []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"}
	for _, name := range candidates {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no chromium: install it or set CHROMIUM")
	}
	return ""
}

// startChromium starts one browser for all subtests and ends it with the test.
func startChromium(t *testing.T, path string) context.Context {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
	}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("end chromium: %v", err)
		}
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return ctx
}

// tab is a visitor with a browser in which scripts are switched off.
type tab struct {
	t    *testing.T
	ctx  context.Context
	site site

	mu      sync.Mutex
	foreign []string
}

func openTab(t *testing.T, browser context.Context, s site) *tab {
	t.Helper()
	home, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	if err := chromedp.Do(ctx); err != nil { // opens the tab; it must not expire before the browser does
		t.Fatal(err)
	}
	b := &tab{t: t, site: s}
	listen := func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if u, err := url.Parse(e.Request.URL); err != nil || (u.Host != home.Host && u.Scheme != "about") {
				b.complain("request to " + e.Request.URL)
			}
		case *log.EventEntryAdded:
			if e.Entry.Source == log.EntrySourceSecurity || e.Entry.Source == log.EntrySourceJavascript {
				b.complain("console: " + e.Entry.Text)
			}
		}
	}
	if err := chromedp.Listen(ctx, listen); err != nil {
		t.Fatal(err)
	}
	bounded, expire := context.WithTimeout(ctx, patience)
	t.Cleanup(func() { expire(); cancel() })
	b.ctx = bounded
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, f := range b.foreign {
			t.Error(f)
		}
	})
	return b
}

func (b *tab) complain(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.foreign = append(b.foreign, text)
}

type (
	css  = chromedp.CSS // selects elements of a page
	step = chromedp.Action[chromedp.Void]
)

// call sends a command of the browser's protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) run(steps ...step) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// load does what loads a page, and checks its status.
func (b *tab) load(code int64, steps ...step) {
	b.t.Helper()
	resp, err := chromedp.RunResponse(b.ctx, steps...)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.Status != code {
		b.t.Fatalf("%s: status %d, want %d", resp.URL, resp.Status, code)
	}
}

func (b *tab) open(path string) { b.t.Helper(); b.load(200, chromedp.Navigate(b.site.url+path)) }

func (b *tab) click(selector string) {
	b.t.Helper()
	b.load(200, chromedp.Click(css(selector)))
}

// text is what a person reads in an element.
func (b *tab) text(selector string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Text(css(selector)))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *tab) shows(selector string, texts ...string) {
	b.t.Helper()
	got := b.text(selector)
	for _, want := range texts {
		if !strings.Contains(got, want) {
			b.t.Errorf("%s lacks %q: %s", selector, want, got)
		}
	}
}

func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// tabTo presses Tab until the focused element's text or id is the one wanted, as a person without a mouse does.
func (b *tab) tabTo(want string) {
	b.t.Helper()
	for range 100 {
		b.run(chromedp.KeyEvent(kb.Tab))
		if evaluate[string](b, `(document.activeElement.innerText || "").trim() + "|" + document.activeElement.id`) == want {
			if !evaluate[bool](b, `document.activeElement.matches(":focus-visible")`) {
				b.t.Errorf("the focus on %q cannot be seen", want)
			}
			return
		}
	}
	b.t.Fatalf("the keyboard does not reach %q", want)
}
