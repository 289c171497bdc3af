package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// key verifies tokens.
type key struct {
	id, alg string
	public  any
}

// parseKeys reads a set of keys. One that cannot be used is left out; without any no token is valid.
func parseKeys(text string) []key {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		return nil
	}
	var all []key
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if err := json.Unmarshal(raw, &k); err != nil {
			continue
		}
		public := k.Key
		if !k.IsPublic() && !isShared(k.Key) {
			public = k.Public().Key
		}
		if fitsKey(k.Algorithm, public) {
			all = append(all, key{k.KeyID, k.Algorithm, public})
		}
	}
	return all
}

// isShared reports whether a key is a secret that signs and verifies.
func isShared(k any) bool {
	_, ok := k.([]byte)
	return ok
}

// fitsKey reports whether a key can verify what an algorithm signed; "" is any algorithm that the key is good for.
func fitsKey(alg string, public any) bool {
	family := ""
	if alg != "" {
		family = alg[:min(2, len(alg))]
	}
	switch public.(type) {
	case *rsa.PublicKey:
		return family == "" || family == "RS" || family == "PS"
	case *ecdsa.PublicKey:
		return family == "" || family == "ES"
	case ed25519.PublicKey:
		return alg == "" || alg == string(jose.EdDSA)
	case []byte:
		return family == "" || family == "HS"
	}
	return false
}

// verify checks the signature: with the key that the token names, if both have a name, and with those of its algorithm.
// A key is used for nothing but the algorithms of its kind, whatever the token claims.
func (t *token) verify(keys []key) status {
	if len(keys) == 0 {
		return noValidKeys
	}
	var parsed *jose.JSONWebSignature
	matched := false
	for _, k := range keys {
		if t.kid != "" && k.id != "" && t.kid != k.id || k.alg != "" && k.alg != t.alg {
			continue
		}
		matched = true
		if !fitsKey(t.alg, k.public) {
			continue
		}
		if parsed == nil {
			var err error
			if parsed, err = jose.ParseSignedCompact(t.text, algorithms()); err != nil {
				return verificationFails
			}
		}
		if _, err := parsed.Verify(k.public); err == nil {
			return valid
		}
	}
	if !matched {
		return noMatchingKey
	}
	return verificationFails
}
