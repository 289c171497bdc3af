package validate

import (
	"encoding/json"

	security "istio.io/api/security/v1beta1"
)

func (c *checker) peerAuthentication(p *security.PeerAuthentication) {
	c.refuseIf(len(p.GetSelector().GetMatchLabels()) == 0 && len(p.GetPortLevelMtls()) > 0,
		"mesh/namespace peer authentication cannot have port level mTLS")
}

func (c *checker) requestAuthentication(r *security.RequestAuthentication) {
	for i, rule := range r.GetJwtRules() {
		c.in(item("jwtRules", i), func() { c.tokens(rule) })
	}
}

func (c *checker) tokens(rule *security.JWTRule) {
	for _, audience := range rule.GetAudiences() {
		c.refuseIf(audience == "", "audience must be non-empty string")
	}
	c.in("jwks", func() { c.keys(rule.GetJwks()) })
	for _, h := range rule.GetFromHeaders() {
		c.refuseIf(h.GetName() == "", "header name must be non-empty string")
	}
}

// keys are those that verify tokens. Only their public part is used.
func (c *checker) keys(text string) {
	if text == "" {
		return
	}
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		c.refuse("jwks parse error: failed to unmarshal JWK set: %s", err)
		return
	}
	for i, key := range set.Keys {
		if key["kty"] == "oct" || key["d"] != nil {
			c.warn("jwks key at index %d contains private key material; only public keys are used for verification", i)
		}
	}
}
