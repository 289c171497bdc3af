package frontend

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	nethtml "golang.org/x/net/html"
	"google.golang.org/grpc"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/services/frontend/internal/fakeshop"
)

// store is a storefront over a fake shop, without a network.
type store struct {
	*fakeshop.Shop
	handler http.Handler
	later   time.Duration // how far its clock is ahead
}

func (s *store) now() time.Time { return time.Now().Add(s.later) }

// advance sets the shop's clock forward, past what it may keep for a while.
func (s *store) advance(d time.Duration) { s.later += d }

// open opens a storefront without caches.
func open(t *testing.T) *store {
	t.Helper()
	return openWith(t, cacheTTLs{})
}

func openWith(t *testing.T, ttls cacheTTLs) *store {
	t.Helper()
	assets, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	fake := fakeshop.New()
	st := &store{Shop: fake}
	n := connect(st.now, ttls, func(string, ...string) grpc.ClientConnInterface { return fakeshop.Direct{Shop: fake} })
	ids := 0
	transcoder, err := rest(n.catalog, pb.NewPaymentServiceClient(fakeshop.Direct{Shop: fake}))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		n: n, rest: transcoder, assets: assets, log: slog.New(slog.NewTextHandler(io.Discard, nil)), now: st.now,
		newID:   func() string { ids++; return "id-" + strconv.Itoa(ids) },
		version: "v1", pod: "frontend-1", orders: newReceipts(),
	}
	st.handler = s.handler()
	return st
}

// browser is one visitor: it keeps cookies and follows nothing.
type browser struct {
	*store
	t       *testing.T
	cookies map[string]*http.Cookie
	header  http.Header
}

func (s *store) visitor(t *testing.T) *browser {
	return &browser{s, t, map[string]*http.Cookie{}, http.Header{}}
}

func (b *browser) do(method, path string, form url.Values) *http.Response {
	b.t.Helper()
	req := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.header {
		req.Header[name] = value
	}
	for _, c := range b.cookies {
		if c.Path == "/" || strings.HasPrefix(path, c.Path) {
			req.AddCookie(c)
		}
	}
	rec := httptest.NewRecorder()
	b.handler.ServeHTTP(rec, req)
	resp := rec.Result()
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name+c.Path)
		} else {
			b.cookies[c.Name+c.Path] = c
		}
	}
	return resp
}

// get fetches a page and checks what holds for every page.
func (b *browser) get(path string, code int) string {
	b.t.Helper()
	return b.page(b.do(http.MethodGet, path, nil), code)
}

func (b *browser) post(path string, form url.Values, code int) string {
	b.t.Helper()
	return b.page(b.do(http.MethodPost, path, form), code)
}

// submit sends a form that must lead elsewhere, and returns where.
func (b *browser) submit(path string, form url.Values) string {
	b.t.Helper()
	resp := b.do(http.MethodPost, path, form)
	if resp.StatusCode != http.StatusFound {
		body, _ := io.ReadAll(resp.Body)
		b.t.Fatalf("POST %s: status %d\n%s", path, resp.StatusCode, body)
	}
	return resp.Header.Get("Location")
}

func (b *browser) page(resp *http.Response, code int) string {
	b.t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.StatusCode != code {
		b.t.Fatalf("status %d, want %d\n%s", resp.StatusCode, code, body)
	}
	if got, want := resp.Header.Get("Content-Length"), strconv.Itoa(len(body)); got != want {
		b.t.Errorf("content length %s, body %s", got, want)
	}
	checkPage(b.t, string(body))
	return string(body)
}

func (b *browser) contains(page string, texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			b.t.Errorf("page lacks %q:\n%s", text, mainOf(page))
		}
	}
}

func (b *browser) lacks(page string, texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if strings.Contains(page, text) {
			b.t.Errorf("page has %q:\n%s", text, mainOf(page))
		}
	}
}

func mainOf(page string) string {
	_, page, _ = strings.Cut(page, "<main")
	page, _, _ = strings.Cut(page, "</main>")
	return page
}

// checkPage checks the rules of every page: tags that are closed, ids that are unique, fields with labels, pictures with
// texts, references that lead somewhere, one first heading, the landmarks; nothing from elsewhere, no script, no inline
// style.
func checkPage(t *testing.T, page string) {
	t.Helper()
	c := pageCheck{T: t, count: map[string]int{}, ids: map[string]bool{}, labels: map[string]bool{}}
	for z := nethtml.NewTokenizer(strings.NewReader(page)); z.Next() != nethtml.ErrorToken; {
		token := z.Token()
		attr := map[string]string{}
		for _, a := range token.Attr {
			attr[a.Key] = a.Val
		}
		if !c.nesting(token) {
			return
		}
		c.references(attr)
		c.element(token, attr)
		c.origin(attr)
	}
	c.end()
}

// pageCheck is what checkPage has seen of a page.
type pageCheck struct {
	*testing.T
	open         []string
	count        map[string]int
	ids, labels  map[string]bool
	refs, fields []string
}

// nesting checks that every tag is closed in turn.
func (c *pageCheck) nesting(token nethtml.Token) bool {
	c.Helper()
	switch token.Type {
	case nethtml.StartTagToken:
		c.count[token.Data]++
		if !slices.Contains([]string{"meta", "link", "img", "input", "br", "path"}, token.Data) {
			c.open = append(c.open, token.Data)
		}
	case nethtml.EndTagToken:
		if len(c.open) == 0 || c.open[len(c.open)-1] != token.Data {
			c.Errorf("</%s> closes nothing; open: %v", token.Data, c.open)
			return false
		}
		c.open = c.open[:len(c.open)-1]
	}
	return true
}

// references collects ids, which are unique, and what refers to them.
func (c *pageCheck) references(attr map[string]string) {
	c.Helper()
	if id, ok := attr["id"]; ok {
		if c.ids[id] {
			c.Errorf("id %q occurs twice", id)
		}
		c.ids[id] = true
	}
	for _, name := range []string{"aria-labelledby", "aria-describedby"} {
		if attr[name] != "" {
			c.refs = append(c.refs, attr[name])
		}
	}
	if strings.HasPrefix(attr["href"], "#") {
		c.refs = append(c.refs, attr["href"][1:])
	}
}

func (c *pageCheck) element(token nethtml.Token, attr map[string]string) {
	c.Helper()
	switch token.Data {
	case "label":
		c.labels[attr["for"]] = true
	case "input", "select":
		if token.Type == nethtml.StartTagToken && attr["type"] != "hidden" {
			c.fields = append(c.fields, attr["id"])
		}
	case "img":
		if _, ok := attr["alt"]; !ok {
			c.Errorf("picture %s has no alt", attr["src"])
		}
	case "script", "style", "iframe":
		c.Errorf("page has a %s", token.Data)
	}
}

// origin checks that nothing comes from elsewhere, and that no attribute is code.
func (c *pageCheck) origin(attr map[string]string) {
	c.Helper()
	for name, value := range attr {
		if name == "style" || strings.HasPrefix(name, "on") {
			c.Errorf("attribute %s=%q", name, value)
		}
		if (name == "src" || name == "href" || name == "action") && !isLocal(value) && !strings.HasPrefix(value, "#") {
			c.Errorf("%s=%q leads out of the shop", name, value)
		}
	}
}

// end checks the page as a whole.
func (c *pageCheck) end() {
	c.Helper()
	if len(c.open) > 0 {
		c.Errorf("not closed: %v", c.open)
	}
	for _, tag := range []string{"title", "header", "main", "footer", "h1"} {
		if c.count[tag] != 1 {
			c.Errorf("%d <%s>, want one", c.count[tag], tag)
		}
	}
	for _, ref := range c.refs {
		if !c.ids[ref] {
			c.Errorf("nothing has the id %q that is referred to", ref)
		}
	}
	for _, id := range c.fields {
		if !c.labels[id] {
			c.Errorf("field %q has no label", id)
		}
	}
}
