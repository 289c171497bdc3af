package jwt

import (
	"strings"
)

// status is how the check of a token ended: "" where it is valid, else the text that Envoy answers with.
type status string

const (
	valid             status = ""
	missing           status = "Jwt is missing"
	notYetValid       status = "Jwt not yet valid"
	expired           status = "Jwt is expired"
	badFormat         status = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
	badHeaderBase64   status = "Jwt header is an invalid Base64url encoded"
	badHeaderJSON     status = "Jwt header is an invalid JSON"
	badAlg            status = "Jwt header [alg] field is required and must be a string"
	unsupportedAlg    status = "Jwt header [alg] is not supported"
	badKid            status = "Jwt header [kid] field is not a string"
	badPayloadBase64  status = "Jwt payload is an invalid Base64url encoded"
	badPayloadJSON    status = "Jwt payload is an invalid JSON"
	badIss            status = "Jwt payload [iss] field is not a string"
	badSub            status = "Jwt payload [sub] field is not a string"
	badAud            status = "Jwt payload [aud] field is not a string or string list"
	badSignature      status = "Jwt signature is an invalid Base64url encoded"
	unknownIssuer     status = "Jwt issuer is not configured"
	audienceForbidden status = "Audiences in Jwt are not allowed"
	verificationFails status = "Jwt verification fails"
	noValidKeys       status = "Jwks doesn't have any valid public key"
	noMatchingKey     status = "Jwks doesn't have key to match kid or alg from Jwt"
)

func notInteger(claim string) status {
	return status("Jwt payload [" + claim + "] field is not an integer")
}

func outOfRange(claim string) status {
	return status("Jwt payload [" + claim + "] field is not a positive 64 bit integer")
}

// Denial is the response to a request whose token is not valid, or missing where one is required.
type Denial struct {
	// Status is that of HTTP: 401, or 403 for a token that is meant for others.
	Status                         int
	Body, Details, WWWAuthenticate string
}

// longestURI is how much of a path a challenge names.
const longestURI = 256

func denial(s status, scheme, authority, path string) *Denial {
	d := &Denial{
		Status: 401, Body: string(s),
		Details:         "jwt_authn_access_denied{" + strings.ReplaceAll(string(s), " ", "_") + "}",
		WWWAuthenticate: `Bearer realm="` + scheme + "://" + authority + path[:min(len(path), longestURI)] + `"`,
	}
	if s == audienceForbidden {
		d.Status = 403
	}
	if s != missing {
		d.WWWAuthenticate += `, error="invalid_token"`
	}
	return d
}
