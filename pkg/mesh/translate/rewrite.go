package translate

import (
	"net/http"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	networking "istio.io/api/networking/v1alpha3"
)

// rewritePath changes the path that was matched. Envoy has one field for a prefix and for a whole path.
func rewritePath(action *routev3.RouteAction, rewrite *networking.HTTPRewrite) {
	if pattern := rewrite.GetUriRegexRewrite(); pattern != nil {
		action.RegexRewrite = &matcherv3.RegexMatchAndSubstitute{
			Pattern: regex(pattern.GetMatch()), Substitution: pattern.GetRewrite(),
		}
		return
	}
	action.PrefixRewrite = rewrite.GetUri()
}

// translateRedirect sends the caller elsewhere.
func translateRedirect(redirect *networking.HTTPRedirect, port uint32) *routev3.RedirectAction {
	action := &routev3.RedirectAction{
		HostRedirect:         redirect.GetAuthority(),
		PathRewriteSpecifier: &routev3.RedirectAction_PathRedirect{PathRedirect: redirect.GetUri()},
	}
	if redirect.GetScheme() != "" {
		action.SchemeRewriteSpecifier = &routev3.RedirectAction_SchemeRedirect{SchemeRedirect: redirect.GetScheme()}
	}
	switch p := redirect.GetRedirectPort().(type) {
	case *networking.HTTPRedirect_Port:
		action.PortRedirect = p.Port
	case *networking.HTTPRedirect_DerivePort:
		if p.DerivePort == networking.HTTPRedirect_FROM_REQUEST_PORT {
			action.PortRedirect = port
		}
	}
	switch redirect.GetRedirectCode() {
	case http.StatusFound:
		action.ResponseCode = routev3.RedirectAction_FOUND
	case http.StatusSeeOther:
		action.ResponseCode = routev3.RedirectAction_SEE_OTHER
	case http.StatusTemporaryRedirect:
		action.ResponseCode = routev3.RedirectAction_TEMPORARY_REDIRECT
	case http.StatusPermanentRedirect:
		action.ResponseCode = routev3.RedirectAction_PERMANENT_REDIRECT
	}
	return action
}
