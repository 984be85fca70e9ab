package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// Beginnings of the secrets: what a secret is can be read off it, by people and by scanners
// that look for leaked ones.
const (
	apiKeyPrefix       = "gr_live_"
	accessTokenPrefix  = "gr_sess_"
	avatarServerPrefix = "gr_avsrv_"

	// DevKey is the API key of `serve --dev`, and of nothing else. It is never stored.
	DevKey = "gr_test_dev"
)

// shown is how many of a secret's random characters are kept in the open, to look it up and to
// recognise it by. They leave 212 unknown bits.
const shown = 8

// A Secret is a new credential: the text that is shown once and what is kept of it.
type Secret struct {
	Text   string
	Prefix string
	Hash   []byte
}

// What crypto/rand.Text makes, twice: 26 characters of base32, 130 bits each.
const (
	base32       = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	randomLength = 2 * 26
)

// NewAPIKey makes the secret of an API key.
func NewAPIKey() Secret { return newSecret(apiKeyPrefix) }

// NewAvatarServerKey makes the secret of an avatar-server key.
func NewAvatarServerKey() Secret { return newSecret(avatarServerPrefix) }

func newSecret(kind string) Secret {
	text := kind + rand.Text() + rand.Text()
	return Secret{Text: text, Prefix: text[:len(kind)+shown], Hash: Hash(text)}
}

// prefixOf is the part of a secret by which it is looked up; false when it is not of the kind.
func prefixOf(kind, secret string) (string, bool) {
	random, ok := strings.CutPrefix(secret, kind)
	if !ok || len(random) != randomLength || strings.Trim(random, base32) != "" {
		return "", false
	}
	return secret[:len(kind)+shown], true
}

// Hash is what is stored of a secret. Secrets are random and long, so a plain hash is enough.
func Hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// same compares in constant time.
func same(hash []byte, secret string) bool {
	return subtle.ConstantTimeCompare(hash, Hash(secret)) == 1
}

// A Signer makes access tokens from the installation's secret, so that a replayed create can
// answer the same token although only its hash is stored.
type Signer struct{ secret []byte }

// NewSigner takes GREENROOM_SECRET.
func NewSigner(secret []byte) *Signer { return &Signer{secret} }

// AccessToken is a session's access token of the given generation.
func (s *Signer) AccessToken(sessionID string, generation int) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte("greenroom access token\x00" + sessionID + "\x00"))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(generation))) //nolint:gosec // G115: counts up from 1
	return accessTokenPrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
