package webhooks

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	// secretPrefix marks a signing secret, as the Standard Webhooks specification has it.
	secretPrefix = "whsec_"
	// secretBytes is within the 24 to 64 that the specification asks for.
	secretBytes = 32
)

// newSecret makes a signing secret: the text that is shown once, and its bytes.
func newSecret() (text string, raw []byte) {
	raw = make([]byte, secretBytes)
	_, _ = rand.Read(raw) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(raw), raw
}

// A sealer keeps signing secrets encrypted at rest. Unlike other credentials they cannot be kept
// as hashes: signing needs them.
type sealer struct{ aead cipher.AEAD }

// newSealer derives its key from the installation's secret, so that whoever has the database alone
// can sign nothing.
func newSealer(secret []byte) (*sealer, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "greenroom webhook secrets", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of webhook secrets: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive the key of webhook secrets: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("derive the key of webhook secrets: %w", err)
	}
	return &sealer{aead}, nil
}

// seal encrypts a secret. It opens for the same endpoint only: in another's row it is useless.
func (s *sealer) seal(endpointID string, raw []byte) []byte {
	return s.aead.Seal(nil, nil, raw, []byte(endpointID))
}

// errSealed is what happens when GREENROOM_SECRET has changed, or the row has been tampered with.
var errSealed = errors.New("the endpoint's secret was sealed with another GREENROOM_SECRET")

// signer gives the signer of a sealed secret.
func (s *sealer) signer(endpointID string, sealed []byte) (*standardwebhooks.Webhook, error) {
	raw, err := s.aead.Open(nil, nil, sealed, []byte(endpointID))
	if err != nil {
		return nil, errSealed // the library's own error says less
	}
	return standardwebhooks.NewWebhookRaw(raw)
}
