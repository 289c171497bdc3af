package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
)

const (
	// algorithm is what tokens are signed with: what OpenID Connect asks every provider for.
	algorithm = string(jose.RS256)
	keyBits   = 2048
	fileName  = "keys.json"
)

// keys are the issuer's. The first signs; the next will, and is public already, so that those who verify know it before they see
// what it signed; the others have signed, and stay public for as long as a token of theirs may be good.
type keys struct {
	file string // empty: they end with the process
	now  func() time.Time

	mu  sync.Mutex
	all stored
}

// stored is the file of keys.
type stored struct {
	Signing jose.JSONWebKey `json:"signing"`
	Next    jose.JSONWebKey `json:"next"`
	Retired []retired       `json:"retired,omitempty"`
}

type retired struct {
	Key jose.JSONWebKey `json:"key"` // public
	At  time.Time       `json:"at"`
}

// openKeys reads the keys in a directory, or makes new ones.
func openKeys(dir string, now func() time.Time) (*keys, error) {
	k := &keys{now: now}
	if dir != "" {
		k.file = filepath.Join(dir, fileName)
		switch err := k.read(); {
		case err == nil:
			return k, nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("read the keys of the issuer: %w; move %s away for new keys, after which no token is valid that was signed before", err, k.file)
		}
	}
	var err error
	if k.all.Signing, err = newKey(); err != nil {
		return nil, err
	}
	if k.all.Next, err = newKey(); err != nil {
		return nil, err
	}
	return k, k.write(k.all)
}

func (k *keys) read() error {
	content, err := os.ReadFile(k.file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, &k.all); err != nil {
		return err
	}
	for _, key := range []jose.JSONWebKey{k.all.Signing, k.all.Next} {
		if _, private := key.Key.(*rsa.PrivateKey); !private || !key.Valid() {
			return errors.New("it has no private key of RSA where there should be one")
		}
	}
	return nil
}

// write keeps the keys: all of them or what was there before.
func (k *keys) write(all stored) error {
	if k.file == "" {
		return nil
	}
	content, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("write the keys of the issuer: %w", err)
	}
	if err := os.WriteFile(k.file+".new", content, 0o600); err != nil {
		return fmt.Errorf("write the keys of the issuer: %w", err)
	}
	if err := os.Rename(k.file+".new", k.file); err != nil {
		return fmt.Errorf("write the keys of the issuer: %w", err)
	}
	return nil
}

func newKey() (jose.JSONWebKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("make a key: %w", err)
	}
	return jose.JSONWebKey{Key: private, KeyID: uuid.NewString(), Algorithm: algorithm, Use: "sig"}, nil
}

// current is the identifier of the key that signs.
func (k *keys) current() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.all.Signing.KeyID
}

// public are the keys with which tokens are verified.
func (k *keys) public() jose.JSONWebKeySet {
	k.mu.Lock()
	defer k.mu.Unlock()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k.all.Signing.Public(), k.all.Next.Public()}}
	for _, r := range k.all.Retired {
		if k.now().Before(r.At.Add(longestLife)) {
			set.Keys = append(set.Keys, r.Key)
		}
	}
	return set
}

// sign returns a token with claims.
func (k *keys) sign(claims map[string]any) (string, error) {
	k.mu.Lock()
	key := k.all.Signing
	k.mu.Unlock()
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("write the claims: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm), Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return signed.CompactSerialize()
}

// rotate lets the next key sign, and makes another that will be next.
func (k *keys) rotate() error {
	next, err := newKey()
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	all := stored{Signing: k.all.Next, Next: next, Retired: slices.DeleteFunc(slices.Clone(k.all.Retired), func(r retired) bool {
		return !k.now().Before(r.At.Add(longestLife))
	})}
	all.Retired = append(all.Retired, retired{Key: k.all.Signing.Public(), At: k.now()})
	if err := k.write(all); err != nil {
		return err
	}
	k.all = all
	return nil
}
