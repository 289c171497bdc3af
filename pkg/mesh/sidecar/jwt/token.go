package jwt

import (
	"encoding/base64"
	"math"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// largest is the size above which a token is not read. No header that a sidecar takes has room for it.
const largest = 64 << 10

// token is a JWT whose signature has not been verified.
type token struct {
	text, payload   string // payload is encoded
	alg, kid        string
	issuer, subject string
	audiences       []string
	notBefore       float64
	expires         float64
	claims          map[string]any
}

// algorithms are those that sign with a key. There is no "none" among them.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.ES256, jose.ES384, jose.ES512, jose.HS256, jose.HS384, jose.HS512, jose.RS256, jose.RS384, jose.RS512,
		jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
	}
}

func isAlgorithm(name string) bool {
	for _, a := range algorithms() {
		if string(a) == name {
			return true
		}
	}
	return false
}

// parse takes a token apart. Names that occur twice in an object are refused: readers differ in which they take.
func parse(text string) (*token, status) {
	if len(text) > largest || strings.Count(text, ".") != 2 {
		return nil, badFormat
	}
	header, rest, _ := strings.Cut(text, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	if header == "" || payload == "" || signature == "" {
		return nil, badFormat
	}
	t := &token{text: text, payload: payload}
	if s := t.readHeader(header); s != valid {
		return nil, s
	}
	if s := t.readPayload(payload); s != valid {
		return nil, s
	}
	if _, err := base64.RawURLEncoding.DecodeString(signature); err != nil {
		return nil, badSignature
	}
	return t, valid
}

func decode(part string, badBase64, badJSON status) (map[string]any, status) {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, badBase64
	}
	if isDeep(text) {
		return nil, badJSON
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil || object == nil {
		return nil, badJSON
	}
	return object, valid
}

// deepest is how far objects and lists can be in each other.
const deepest = 100

// isDeep reports whether they are further: each level costs a reader a call.
func isDeep(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth > deepest {
			return true
		}
	}
	return false
}

func (t *token) readHeader(part string) status {
	header, s := decode(part, badHeaderBase64, badHeaderJSON)
	if s != valid {
		return s
	}
	var ok bool
	if t.alg, ok = header["alg"].(string); !ok {
		return badAlg
	}
	if !isAlgorithm(t.alg) {
		return unsupportedAlg
	}
	if t.kid, ok = text(header, "kid"); !ok {
		return badKid
	}
	return valid
}

func (t *token) readPayload(part string) status {
	var s status
	if t.claims, s = decode(part, badPayloadBase64, badPayloadJSON); s != valid {
		return s
	}
	var ok bool
	if t.issuer, ok = text(t.claims, "iss"); !ok {
		return badIss
	}
	if t.subject, ok = text(t.claims, "sub"); !ok {
		return badSub
	}
	if _, s := seconds(t.claims, "iat"); s != valid {
		return s
	}
	if t.notBefore, s = seconds(t.claims, "nbf"); s != valid {
		return s
	}
	if t.expires, s = seconds(t.claims, "exp"); s != valid {
		return s
	}
	if t.audiences, ok = texts(t.claims, "aud"); !ok {
		return badAud
	}
	return valid
}

// text is a claim that is a text, "" if there is none.
func text(object map[string]any, name string) (string, bool) {
	value, there := object[name]
	if !there {
		return "", true
	}
	s, ok := value.(string)
	return s, ok
}

// texts is a claim that is a text or a list of texts.
func texts(object map[string]any, name string) ([]string, bool) {
	switch value := object[name].(type) {
	case nil:
		_, there := object[name]
		return nil, !there
	case string:
		return []string{value}, true
	case []any:
		list := make([]string, 0, len(value))
		for _, element := range value {
			s, ok := element.(string)
			if !ok {
				return nil, false
			}
			list = append(list, s)
		}
		return list, true
	}
	return nil, false
}

// seconds is a claim that is a time, 0 if there is none.
func seconds(object map[string]any, name string) (float64, status) {
	value, there := object[name]
	if !there {
		return 0, valid
	}
	n, ok := value.(float64)
	switch {
	case !ok:
		return 0, notInteger(name)
	case n < 0 || n >= math.MaxUint64:
		return 0, outOfRange(name)
	}
	return math.Floor(n), valid
}

// checkTime reports whether the token is valid at a time, give or take the difference of clocks.
func (t *token) checkTime(now time.Time, skew time.Duration) status {
	at, allowed := float64(now.Unix()), skew.Seconds()
	switch {
	case at+allowed < t.notBefore:
		return notYetValid
	case t.expires > 0 && at > t.expires+allowed:
		return expired
	}
	return valid
}
