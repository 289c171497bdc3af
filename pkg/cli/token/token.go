// Package token contains the commands about tokens, good and forged, and about the issuer that signs them.
package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

// longestLife is how long the issuer's tokens may be good for.
const longestLife = 24 * time.Hour

// The algorithms of tokens: the issuer's, one with a shared secret, and none at all.
const (
	algRS256 = "RS256"
	algHS256 = "HS256"
	algNone  = "none"
)

// formatHeader is the header that sends the token, for call -H @-.
const formatHeader = "header"

type options struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time

	subject   string
	audiences []string
	life      time.Duration
	claims    []string
	expired   bool
	alg       string
	hs256     bool
	wrongKey  bool
	format    string
}

// NewCmd builds the command that prints a token.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	o := &options{ios: f.IO, connect: f.Shop, now: f.Now}
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print a token of the shop's issuer, or one that an attacker would make",
		Long: `Print a token of the shop's issuer, or one that an attacker would make.

A token (a JSON Web Token) says who a request is from. The shop's issuer, which shopctl issuer start starts, signs it
for every caller; a RequestAuthentication makes sidecars and the gateway check it. The flags --expired, --alg, --hs256
and --wrong-key make tokens that must be refused. All but the first are made without the issuer's private key, as an
attacker would: with no signature, with the public key as the secret, and with a key of the attacker's own under the
name of the issuer's.`,
		Example: `shopctl token --sub alice --aud shop --for 10m
shopctl call payment Charge --from checkout -H "authorization: Bearer $(shopctl token --sub alice)"
shopctl token --sub alice -o header | shopctl call catalog ListProducts --plaintext -H @-
shopctl token --sub mallory --alg none -o json`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.subject, "sub", "alice", "who the token is about, its `SUBJECT`")
	flags.StringSliceVar(&o.audiences, "aud", []string{"shop"}, "who may accept it, its `AUDIENCE`; several with commas between them")
	flags.DurationVar(&o.life, "for", 10*time.Minute, "how long it is good for")
	flags.StringArrayVar(&o.claims, "claim", nil, "another claim, `NAME=VALUE`: a text, or JSON such as [\"a\"], 1, true; can be repeated")
	flags.BoolVar(&o.expired, "expired", false, "one whose time is over")
	flags.Var(&cmdutil.EnumFlag{Value: &o.alg, Allowed: []string{algRS256, algHS256, algNone}, Kind: "ALGORITHM"}, "alg", "how it is signed: RS256, HS256 with the issuer's public key as the secret, or none")
	o.alg = algRS256
	flags.BoolVar(&o.hs256, "hs256", false, "the same as --alg HS256")
	flags.BoolVar(&o.wrongKey, "wrong-key", false, "one signed with another key than the issuer's, under the name of it")
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON, formatHeader)
	cmdutil.CompleteWords(cmd, "alg", algRS256, algHS256, algNone)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *options) run(ctx context.Context) error {
	claims, err := o.wanted()
	if err != nil {
		return err
	}
	i, err := find(ctx, o.ios, o.connect)
	if err != nil {
		return err
	}
	token, err := o.make(ctx, i, claims)
	if err != nil {
		return err
	}
	view, err := read(token)
	if err != nil {
		return err
	}
	if o.format == formatHeader {
		_, err := fmt.Fprintf(o.ios.Out, "authorization: Bearer %s\n", token)
		return err
	}
	return o.ios.Print(o.format, view, func(w io.Writer) { fmt.Fprintln(w, token) })
}

// wanted are the claims that the flags ask for, but for the issuer's name.
func (o *options) wanted() (map[string]any, error) {
	const example = "shopctl token --sub alice --aud shop --for 10m"
	if o.life <= 0 || o.life > longestLife {
		return nil, cmdutil.UsageErr(example, "read --for %s: want more than 0 and at most %s", o.life, longestLife)
	}
	if forged := o.forged(); len(forged) > 1 {
		return nil, cmdutil.UsageErr("shopctl token "+forged[0], "%s: a token is forged in one way", strings.Join(forged, " "))
	}
	now := o.now()
	claims := map[string]any{"sub": o.subject, "iat": now.Unix(), "exp": now.Add(o.life).Unix()}
	if o.expired { // by more than the minute that those who verify forgive
		claims["iat"], claims["exp"] = now.Add(-time.Hour-o.life).Unix(), now.Add(-time.Hour).Unix()
	}
	switch len(o.audiences) {
	case 0:
	case 1:
		claims["aud"] = o.audiences[0]
	default:
		claims["aud"] = o.audiences
	}
	for _, text := range o.claims {
		name, value, found := strings.Cut(text, "=")
		if !found || name == "" {
			return nil, cmdutil.UsageErr("shopctl token --claim role=admin", "read --claim %q: want NAME=VALUE", text)
		}
		if _, set := claims[name]; set || name == "iss" {
			return nil, cmdutil.UsageErr(example, "read --claim %q: other flags decide on %s", text, strings.Join(slices.Sorted(maps.Keys(claims)), ", ")+", iss")
		}
		claims[name] = valueOf(value)
	}
	return claims, nil
}

// forged are the flags that ask for a token that the issuer does not sign.
func (o *options) forged() []string {
	var flags []string
	if o.alg != algRS256 {
		flags = append(flags, "--alg "+o.alg)
	}
	if o.hs256 {
		flags = append(flags, "--hs256")
	}
	if o.wrongKey {
		flags = append(flags, "--wrong-key")
	}
	return flags
}

// valueOf is JSON where a text is some, and else the text.
func valueOf(text string) any {
	var v any
	if json.Unmarshal([]byte(text), &v) == nil {
		return v
	}
	return text
}

func (o *options) make(ctx context.Context, i *issuer, claims map[string]any) (string, error) {
	if len(o.forged()) == 0 {
		return i.sign(ctx, claims)
	}
	victim, err := i.victim(ctx)
	if err != nil {
		return "", err
	}
	claims["iss"] = victim.issuer
	switch {
	case o.wrongKey:
		return victim.withAnotherKey(claims)
	case o.alg == algNone:
		return unsigned(claims)
	}
	return victim.withThePublicKey(claims)
}

// tokenView is what a token says, unverified.
type tokenView struct {
	Header json.RawMessage `json:"header"`
	Claims json.RawMessage `json:"claims"`
	Token  string          `json:"token"`
}

func read(token string) (tokenView, error) {
	view := tokenView{Token: token}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return view, errors.New("the issuer answered with something else than a token")
	}
	for n, to := range []*json.RawMessage{&view.Header, &view.Claims} {
		content, err := encoding.DecodeString(parts[n])
		if err != nil || !json.Valid(content) {
			return view, fmt.Errorf("read part %d of the issuer's token: it is not JSON", n+1)
		}
		*to = content
	}
	return view, nil
}
