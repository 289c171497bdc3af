package html_test

import (
	"net/url"
	"strings"
	"testing"

	nethtml "golang.org/x/net/html"

	"github.com/shopctl/shopctl/services/frontend/html"
)

func TestMarkupPassesAndDataIsEscaped(t *testing.T) {
	var w html.Writer
	w.Lit(`<a href="/product/`).Path(`a/b?c`).Lit(`"`).Attr("title", `"quoted" & 'so'`).Lit(`>`).Text("<b>1 < 2</b>").Int(-7).LitIf(false, "no").LitIf(true, `</a>`)
	want := `<a href="/product/a%2Fb%3Fc" title="&#34;quoted&#34; &amp; &#39;so&#39;">&lt;b&gt;1 &lt; 2&lt;/b&gt;-7</a>`
	if got := string(w.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	w.Reset()
	if len(w.Bytes()) != 0 {
		t.Errorf("after Reset: %q", w.Bytes())
	}
}

func TestCharactersThatHTMLForbidsBecomeReplacementCharacters(t *testing.T) {
	for in, want := range map[string]string{
		"a\x00b": "a\uFFFDb", "a\xffb": "a\uFFFDb", "a\u0085b": "a\uFFFDb", "a\uFDD0b": "a\uFFFDb", "\U0001FFFE": "\uFFFD",
		"Grüße, 東京": "Grüße, 東京", "tab\tline\n": "tab\tline\n", "\uFFFD": "\uFFFD",
	} {
		var w html.Writer
		if got := string(w.Text(in).Bytes()); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// cleaned is what a parser should see: the data with what cannot be shown replaced.
func cleaned(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(strings.ReplaceAll(s, "\xef\xbf\xbd", "\uFFFD"), "\uFFFD") {
		switch {
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r <= 0x9f, r >= 0xfdd0 && r <= 0xfdef, r&0xfffe == 0xfffe:
			r = '\uFFFD'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// A parser that is not ours must read every string back as one text and one attribute, and nothing else.
func FuzzDataNeverBecomesMarkup(f *testing.F) {
	for _, seed := range []string{"", "<script>alert(1)</script>", `" onload="x`, "&amp;", "a\r\nb", "\x00\xff", "</p><p>", "]]>", "<!--", "&#x3c;", "\ufdd0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var w html.Writer
		w.Lit("<p").Attr("title", s).Lit(`><a href="/search?q=`).Query(s).Lit(`">`).Text(s).Lit("</a></p>")
		z := nethtml.NewTokenizer(strings.NewReader(string(w.Bytes())))
		var tags []string
		var text, title, href string
		for {
			kind := z.Next()
			if kind == nethtml.ErrorToken {
				break
			}
			token := z.Token()
			if kind == nethtml.TextToken {
				text += token.Data
				continue
			}
			tags = append(tags, token.String()[:2]+token.Data)
			for _, a := range token.Attr {
				switch a.Key {
				case "title":
					title = a.Val
				case "href":
					href = a.Val
				default:
					t.Fatalf("%q made the attribute %s=%q", s, a.Key, a.Val)
				}
			}
		}
		if got := strings.Join(tags, " "); got != "<pp <aa </a </p" {
			t.Fatalf("%q made the tags %s", s, got)
		}
		// Broken bytes may be replaced one by one or together; the shown text differs in nothing else.
		want := squeeze(cleaned(s))
		if squeeze(text) != want || squeeze(title) != want {
			t.Fatalf("%q reads back as text %q and attribute %q, want %q", s, text, title, want)
		}
		u, err := url.Parse(href)
		if err != nil || u.Query().Get("q") != s {
			t.Fatalf("%q reads back from %q as %q, %v", s, href, u.Query().Get("q"), err)
		}
	})
}

// squeeze turns runs of replacement characters into one.
func squeeze(s string) string {
	for strings.Contains(s, "\uFFFD\uFFFD") {
		s = strings.ReplaceAll(s, "\uFFFD\uFFFD", "\uFFFD")
	}
	return s
}
