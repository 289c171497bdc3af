package route

import (
	"fmt"
	"regexp"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// rewrite changes path and authority.
type rewrite struct {
	authority string // "": it stays
	path      string // replaces what matched; "": it stays
	matched   string // the prefix that path replaces; "": the whole path
	pattern   *regexp.Regexp
	by        string
}

func compileRewrite(a *routev3.RouteAction, m *condition) (rewrite, error) {
	w := rewrite{path: a.GetPrefixRewrite(), matched: m.prefix}
	switch host := a.GetHostRewriteSpecifier().(type) {
	case nil:
	case *routev3.RouteAction_HostRewriteLiteral:
		w.authority = host.HostRewriteLiteral
	default:
		return w, fmt.Errorf("a rewrite of the authority by %T is not supported", host)
	}
	return w, w.compileRegex(a.GetRegexRewrite())
}

func (w *rewrite) compileRegex(r *matcherv3.RegexMatchAndSubstitute) error {
	if r == nil {
		return nil
	}
	var err error
	if w.pattern, err = regexp.Compile(r.GetPattern().GetRegex()); err != nil {
		return fmt.Errorf("regular expression of a rewrite: %w", err)
	}
	w.by = substitution(r.GetSubstitution())
	return nil
}

// substitution writes \1 as Go does, and a dollar sign so that it stays one.
func substitution(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '$':
			b.WriteString("$$")
		case c == '\\' && i+1 < len(text) && '0' <= text[i+1] && text[i+1] <= '9':
			i++
			b.WriteString("${" + text[i:i+1] + "}")
		case c == '\\' && i+1 < len(text) && text[i+1] == '\\':
			i++
			b.WriteByte('\\')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// changed is a path, with its query, after the rewrite.
func (w *rewrite) changed(r *field.Request) string {
	path := r.PathOnly()
	query := r.Path[len(path):]
	switch {
	case w.pattern != nil:
		return w.pattern.ReplaceAllString(path, w.by) + query
	case w.path == "":
		return r.Path
	case w.matched != "" && len(path) >= len(w.matched):
		return w.path + path[len(w.matched):] + query
	}
	return w.path + query
}

func (w *rewrite) apply(r *field.Request, authority string, f *field.Fields) {
	if w.pattern != nil || w.path != "" {
		if path := w.changed(r); path != r.Path {
			f.Set(":path", path)
			f.Set("x-envoy-original-path", r.Path)
		}
	}
	if w.authority != "" {
		authority = w.authority
	}
	if authority != "" {
		f.Set(":authority", authority)
	}
}

// Redirect sends the caller elsewhere.
type Redirect struct {
	Status int

	scheme, host string
	port         uint32
	path         rewrite
	whole        string // the new path; "": see path
	stripQuery   bool
	https        bool
}

func compileRedirect(in *routev3.RedirectAction, m *condition) (*Redirect, error) {
	r := &Redirect{host: in.GetHostRedirect(), port: in.GetPortRedirect(), stripQuery: in.GetStripQuery()}
	switch s := in.GetSchemeRewriteSpecifier().(type) {
	case *routev3.RedirectAction_SchemeRedirect:
		r.scheme = s.SchemeRedirect
	case *routev3.RedirectAction_HttpsRedirect:
		r.https = s.HttpsRedirect
	}
	switch p := in.GetPathRewriteSpecifier().(type) {
	case *routev3.RedirectAction_PathRedirect:
		r.whole = p.PathRedirect
	case *routev3.RedirectAction_PrefixRewrite:
		r.path = rewrite{path: p.PrefixRewrite, matched: m.prefix}
	case *routev3.RedirectAction_RegexRewrite:
		if err := r.path.compileRegex(p.RegexRewrite); err != nil {
			return nil, err
		}
	}
	switch in.GetResponseCode() {
	case routev3.RedirectAction_FOUND:
		r.Status = 302
	case routev3.RedirectAction_SEE_OTHER:
		r.Status = 303
	case routev3.RedirectAction_TEMPORARY_REDIRECT:
		r.Status = 307
	case routev3.RedirectAction_PERMANENT_REDIRECT:
		r.Status = 308
	default:
		r.Status = 301
	}
	return r, nil
}

// Location is where a request is sent.
func (r *Redirect) Location(request *field.Request) string {
	scheme := request.Scheme
	if r.https {
		scheme = "https"
	}
	if r.scheme != "" {
		scheme = r.scheme
	}
	host := request.Authority
	if r.host != "" {
		host = r.host
	} else if r.scheme != "" && r.scheme != request.Scheme || r.https && request.Scheme != "https" {
		host = field.WithoutPort(host) // the port belonged to the other scheme
	}
	if r.port != 0 {
		host = fmt.Sprintf("%s:%d", field.WithoutPort(host), r.port)
	}
	return scheme + "://" + host + r.target(request)
}

func (r *Redirect) target(request *field.Request) string {
	path := r.path.changed(request)
	if r.whole != "" {
		path = r.whole
		if query := request.Query(); query != "" && !strings.Contains(path, "?") {
			path += "?" + query
		}
	}
	if r.stripQuery {
		path, _, _ = strings.Cut(path, "?")
	}
	return path
}

// Direct is a response without a service.
type Direct struct {
	Status int
	Body   string
}

func compileDirect(in *routev3.DirectResponseAction) (*Direct, error) {
	d := &Direct{Status: int(in.GetStatus())}
	switch body := in.GetBody().GetSpecifier().(type) {
	case nil:
	case *corev3.DataSource_InlineString:
		d.Body = body.InlineString
	case *corev3.DataSource_InlineBytes:
		d.Body = string(body.InlineBytes)
	default:
		return nil, fmt.Errorf("a body from %T is not supported", body)
	}
	return d, nil
}
