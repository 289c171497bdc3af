package token

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
)

const (
	workload = "issuer"
	// askTimeout bounds what the issuer is asked; longest is the longest answer, in bytes.
	askTimeout = 10 * time.Second
	longest    = 1 << 20
)

// issuer is the shop's, at an address of this machine.
type issuer struct {
	ios  *iostreams.IO
	base string
}

// find finds the issuer of the shop.
func find(ctx context.Context, ios *iostreams.IO, connect cmdutil.Connect) (*issuer, error) {
	shop, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer shop.Close()
	addr, err := cmdutil.AddressOf(ctx, shop, workload)
	if err != nil {
		return nil, cmdutil.HintErr(cmdutil.ExitFailed, ios.Command("issuer start --wait"), errors.New("this shop has no issuer of tokens"))
	}
	return &issuer{ios: ios, base: "http://" + addr}, nil
}

// sign lets the issuer sign claims.
func (i *issuer) sign(ctx context.Context, claims map[string]any) (string, error) {
	var signed struct{ Token string }
	err := i.post(ctx, "/sign", claims, &signed)
	return signed.Token, err
}

// rotated are the identifiers of the keys that sign from now on, and up to now.
type rotated struct {
	Current  string `json:"current"`
	Previous string `json:"previous"`
}

func (i *issuer) rotate(ctx context.Context) (r rotated, err error) {
	err = i.post(ctx, "/rotate", struct{}{}, &r)
	return r, err
}

// victim reads what everybody may know.
func (i *issuer) victim(ctx context.Context) (*victim, error) {
	var about struct{ Issuer string }
	if err := i.get(ctx, "/.well-known/openid-configuration", &about); err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if err := i.get(ctx, "/keys", &set); err != nil {
		return nil, err
	}
	if len(set.Keys) == 0 {
		return nil, i.failed("/keys", errors.New("it has no keys"))
	}
	return &victim{issuer: about.Issuer, key: set.Keys[0]}, nil
}

func (i *issuer) get(ctx context.Context, path string, into any) error {
	return i.ask(ctx, http.MethodGet, path, nil, into)
}

func (i *issuer) post(ctx context.Context, path string, body, into any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write the claims: %w", err)
	}
	return i.ask(ctx, http.MethodPost, path, bytes.NewReader(content), into)
}

func (i *issuer) ask(ctx context.Context, method, path string, body io.Reader, into any) error {
	ctx, cancel := cmdutil.Within(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, i.base+path, body)
	if err != nil {
		return i.failed(path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if cmdutil.TimedOut(ctx, err) {
		err = fmt.Errorf("no response after %s", humanize.Span(askTimeout))
	}
	if err != nil {
		return i.failed(path, err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, longest))
	if err != nil {
		return i.failed(path, err)
	}
	if resp.StatusCode != http.StatusOK {
		var refusal struct {
			Description string `json:"error_description"`
		}
		_ = json.Unmarshal(content, &refusal) // a proxy before it answers with text
		if refusal.Description == "" {
			refusal.Description = string(content)
		}
		return i.failed(path, fmt.Errorf("status %d: %s", resp.StatusCode, refusal.Description))
	}
	if err := json.Unmarshal(content, into); err != nil {
		return i.failed(path, err)
	}
	return nil
}

func (i *issuer) failed(path string, err error) error {
	return cmdutil.HintErr(cmdutil.ExitFailed, i.ios.Command("logs issuer"), fmt.Errorf("ask the issuer at %s%s: %w", i.base, path, err))
}
